"""A library that stands by until something of it is asked for."""

import sys

import pytest

from audit.deferred import deferred

NAME = "xml.dom.pulldom"  # of the standard library, and nobody's


@pytest.fixture(autouse=True)
def _not_imported(monkeypatch):
    monkeypatch.delitem(sys.modules, NAME, raising=False)


def test_it_is_imported_when_something_of_it_is_asked_for():
    stand_in = deferred(NAME)
    assert NAME not in sys.modules

    assert stand_in.DOMEventStream is sys.modules[NAME].DOMEventStream


def test_whoever_looks_at_every_object_does_not_import_it():
    stand_in = deferred(NAME)

    assert not hasattr(stand_in, "__wrapped__")
    assert NAME not in sys.modules


def test_what_it_does_not_have_it_has_under_neither_name():
    with pytest.raises(AttributeError, match="no_such_thing"):
        _ = deferred(NAME).no_such_thing
