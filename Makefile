# The two commands of the README are `make demo` and `make test`; both set themselves up.
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready
SERVE  ?= 1

.PHONY: demo test test-long check format constraints clean

demo: $(READY)
	$(BIN)/python manage.py demo $(if $(filter 0,$(SERVE)),--no-serve) $(DEMO_ARGS)

# Format, lint, types, contracts, migrations, then the tests: on PostgreSQL where SERVICES allows and one answers, else on SQLite.
test: check
	$(BIN)/python -m tests.services test

# What needs a Debian package or minutes: the browser, the demo as a whole.
test-long: $(READY)
	$(BIN)/python -m tests.services test-long

check: $(READY)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	DJANGO_SETTINGS_MODULE=tests.settings $(BIN)/python manage.py makemigrations --check --dry-run

format: $(READY)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "Credence needs Python 3.11 or newer; set PYTHON=")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --disable-pip-version-check --quiet --constraint constraints.txt '.[demo,pkcs11,lightgbm,xgboost,dev,bench]'
	@touch $(READY)

# Pin anew what a fresh environment resolves to today.
constraints:
	$(PYTHON) -m venv build/pins
	build/pins/bin/pip install --disable-pip-version-check --quiet '.[demo,pkcs11,lightgbm,xgboost,dev,bench]'
	build/pins/bin/pip freeze --exclude credence --exclude pip | sort -f > constraints.txt
	rm -rf build/pins

clean:
	rm -rf $(VENV) build
