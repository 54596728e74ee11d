"""Django settings, all from the environment; a secret has no default outside the demo."""

import os
from datetime import timedelta
from typing import Any

import dj_database_url

from governance import env
from governance.schedule import schedule
from governance.unfold import UNFOLD as UNFOLD

BASE_DIR = env.ROOT
FILES = "files://localhost"  # the embedded broker: files under CREDENCE_VAR
DEMO = env.boolean("CREDENCE_DEMO", False)

SECRET_KEY = env.text(env.SECRET_KEY)
DEBUG = False
ALLOWED_HOSTS = env.words("CREDENCE_ALLOWED_HOSTS", "127.0.0.1,localhost,[::1]")
CSRF_TRUSTED_ORIGINS = env.words("CREDENCE_TRUSTED_ORIGINS", "")

# Where things are. Store and archive are write-once folders, or s3://bucket/prefix each; keys are files with mode 0600.
CREDENCE_VAR = env.var_folder()
CREDENCE_KEYS = env.folder("CREDENCE_KEYS", CREDENCE_VAR / "keys")
CREDENCE_STORE = env.place("CREDENCE_STORE", CREDENCE_VAR / "store")
CREDENCE_STORE_ENDPOINT = env.text("CREDENCE_STORE_ENDPOINT", "")
# How long an object of a store in S3 is locked: ten years, as technical documentation is kept (EU AI Act, Art. 18(1)).
CREDENCE_STORE_LOCK_DAYS = env.integer("CREDENCE_STORE_LOCK_DAYS", 3653)
CREDENCE_ARCHIVE = env.place("CREDENCE_ARCHIVE", CREDENCE_VAR / "archive")
# Of an S3 server that is not AWS; the rest comes from the usual AWS variables.
CREDENCE_ARCHIVE_ENDPOINT = env.text("CREDENCE_ARCHIVE_ENDPOINT", "")
# The archive's next object is closed once a day, or when this much waits.
CREDENCE_EPOCH_MB = env.integer("CREDENCE_EPOCH_MB", 256)
# The databases and buckets that data sets may come from, by name (docs/datasets.md). Without one, files alone.
CREDENCE_SOURCES = env.file("CREDENCE_SOURCES")
# The Feast feature servers that decisions may look features up in, by name (docs/features.md). Without one, none.
CREDENCE_ONLINE_STORES = env.file("CREDENCE_ONLINE_STORES")
# How long records are kept, by class and jurisdiction.
CREDENCE_RETENTION = env.folder("CREDENCE_RETENTION", BASE_DIR / "audit" / "retention.toml")
# Where the log's own keys are: file:NAME in CREDENCE_KEYS, pkcs11:... or kms:ARN. One Ed25519, and ML-DSA-44 beside it.
CREDENCE_LOG_KEYS = env.words(
    "CREDENCE_LOG_KEYS", "file:log.key,file:log-ml-dsa.key?algorithm=ML-DSA-44"
)
# The name of the log: a schema-less URL. Each yearly shard adds its year.
CREDENCE_ORIGIN = env.text("CREDENCE_ORIGIN")
# Whose cosignatures a checkpoint needs before it is published: a tlog-policy file. Without one, nobody's.
CREDENCE_WITNESSES = env.file("CREDENCE_WITNESSES")
# The MLflow tracking server that runs are imported from where none is named, and the token that it alone is sent.
CREDENCE_MLFLOW_URI = env.text("CREDENCE_MLFLOW_URI", "")
CREDENCE_MLFLOW_TOKEN = env.text("CREDENCE_MLFLOW_TOKEN", "")
# An RFC 3161 authority, and the root certificates (PEM) under which its tokens are accepted. Without one, no timestamps.
CREDENCE_TSA_URL = env.text("CREDENCE_TSA_URL", "")
CREDENCE_TSA_ROOTS = env.file("CREDENCE_TSA_ROOTS")

INSTALLED_APPS = [
    "unfold",
    "governance",
    "monitoring",
    "serving",
    "registry",
    "audit",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "rest_framework",
    "knox",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "django_celery_beat",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "audit.middleware.RequestContext",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "governance.middleware.PageMessages",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

ROOT_URLCONF = "governance.urls"
WSGI_APPLICATION = "governance.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]


def database(url: str) -> dict[str, Any]:
    """A database from its URL; SQLite takes the write lock at BEGIN and waits for it."""
    settings: dict[str, Any] = dict(
        dj_database_url.parse(url, conn_max_age=60, conn_health_checks=True)
    )
    if url.startswith("postgres"):
        # For the statements of deciding and of the log, which the server prepares, and for its checks of foreign keys:
        # planned anew each time, those that meet a table in monthly parts cost as much as what they do.
        own = settings.get("OPTIONS", {})  # of the address: sslmode, options
        plans = f"{own.get('options', '')} -c plan_cache_mode=force_generic_plan".strip()
        settings["OPTIONS"] = own | {"prepare_threshold": 5, "options": plans}
    if url.startswith("sqlite"):
        settings["OPTIONS"] = {
            "transaction_mode": "IMMEDIATE",
            "timeout": 30,
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;",
        }
    return settings


DATABASES = {
    "default": database(env.text("DATABASE_URL", f"sqlite:///{CREDENCE_VAR}/credence.sqlite3"))
}
# Who owns the tables, where that is not the role the service runs as (governance.database_role).
CREDENCE_OWNER_DATABASE = (
    database(env.text("MIGRATE_DATABASE_URL")) if os.environ.get("MIGRATE_DATABASE_URL") else None
)
# Tables in monthly parts (PostgreSQL): how many months `manage.py migrate` makes ahead.
CREDENCE_MONTHS_AHEAD = env.integer("CREDENCE_MONTHS_AHEAD", 13)
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

AUTHENTICATION_BACKENDS = ["governance.sign_in.GuardedBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 12},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "admin:login"
LOGIN_REDIRECT_URL = "admin:index"

LANGUAGE_CODE = "en-gb"
TIME_ZONE = "UTC"
USE_I18N = True
USE_TZ = True
FORMAT_MODULE_PATH = "governance.formats"

STATIC_URL = "static/"
# Without a folder of collected files (the demo, tests) they are served from where the apps keep them.
STATIC_ROOT = env.folder("CREDENCE_STATIC", BASE_DIR) if "CREDENCE_STATIC" in os.environ else None
WHITENOISE_USE_FINDERS = STATIC_ROOT is None

DATA_UPLOAD_MAX_MEMORY_SIZE = 256 * 1024 * 1024
FILE_UPLOAD_PERMISSIONS = 0o600
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
# Behind TLS everywhere but on a laptop.
SECURE_COOKIES = env.boolean("CREDENCE_SECURE_COOKIES", not DEMO)
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_COOKIES
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if SECURE_COOKIES else None
SECURE_HSTS_SECONDS = env.integer("CREDENCE_HSTS_SECONDS", 31_536_000 if SECURE_COOKIES else 0)
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "SAMEORIGIN"

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "governance.token_authentication.CompiledTokenAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_SCHEMA_CLASS": "audit.api_schema.DescribedSchema",
    "DEFAULT_PAGINATION_CLASS": "audit.api_base.Pages",
    "EXCEPTION_HANDLER": "audit.problems.handler",
}
REST_KNOX = {
    "TOKEN_TTL": None,  # each token states its own expiry when it is issued
    "AUTH_HEADER_PREFIX": "Token",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Credence",
    "DESCRIPTION": "Audit and governance for credit-scoring models. Errors are RFC 9457 problem details.",
    "VERSION": "0.1.0",
    "OAS_VERSION": "3.1.1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "COMPONENT_SPLIT_REQUEST": True,
    "ENUM_NAME_OVERRIDES": {
        "ApplicationEvent": "serving.models.ApplicationStatus.Status",
        "ChangeKind": "governance.models.ChangeRequest.Kind",
        "DecisionOutcome": ["approved", "declined", "referred"],
        "LookupState": ["fresh", "stale", "absent"],
        "OverrideSide": "serving.models.Resolution.OverrideCode",
        "PolicyKind": "registry.models.Policy.Kind",
        "ReasonComponent": ["person", "score"],
        "ResolutionOutcome": "serving.models.Resolution.Outcome",
        "RestrictionKind": "registry.models.UseRestriction.Kind",
        "RolloutRole": "serving.models.Deployment.Role",
        "RunStatus": "registry.models.Run.Status",
        "Rating": "registry.models.ScoringModel.Rating",
    },
}

CELERY_BROKER_URL = env.text("BROKER_URL", FILES)
if CELERY_BROKER_URL == FILES:
    CELERY_BROKER_TRANSPORT_OPTIONS = {
        "data_folder_in": str(CREDENCE_VAR / "broker" / "messages"),
        "data_folder_out": str(CREDENCE_VAR / "broker" / "messages"),
        "control_folder": str(CREDENCE_VAR / "broker" / "control"),
        "polling_interval": 0.1,  # seconds; one message is read per look
    }
# Installations that share a broker need a queue each: a worker takes whatever lies in its queue.
CELERY_TASK_DEFAULT_QUEUE = env.text("CREDENCE_QUEUE", "credence")
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TIMEZONE = "UTC"
# A message that was lost is found by a sweep after this long at most.
CELERY_BEAT_SCHEDULE = schedule(timedelta(seconds=env.integer("CREDENCE_SWEEP_SECONDS", 60)))
CELERY_BEAT_SCHEDULER = "django_celery_beat.schedulers:DatabaseScheduler"

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {
            "()": "audit.logs.WithoutRows",
            "format": "%(asctime)s %(levelname)s %(name)s %(message)s",
        }
    },
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "loggers": {"httpx": {"level": "WARNING"}},
    "root": {"handlers": ["stderr"], "level": env.text("CREDENCE_LOG_LEVEL", "INFO")},
}
