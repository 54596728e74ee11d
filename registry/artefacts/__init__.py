"""Artefacts: trained estimators as bytes, written and read without pickle.

What the bytes are is told by their beginning, never by a name: scikit-learn's estimators as skops
files, LightGBM's as its model text, XGBoost's as its JSON document. The bytes of two dumps of one
estimator differ (they name the run, or hold memory addresses and times), so `content_sha256` gives the
digest of what the model is.
"""

from registry.artefacts.content import content_sha256
from registry.artefacts.formats import dump, format_of, load, load_registered
from registry.artefacts.skops_zip import LARGEST_UNPACKED

__all__ = ["LARGEST_UNPACKED", "content_sha256", "dump", "format_of", "load", "load_registered"]
