"""How protected attributes are sealed: each row bound to whom it is about."""

from audit.sealing import Seal
from monitoring.errors import ProtectedValueUnreadable

Value = str | int | float | bool
PROTECTED = Seal(b"credence-protected/v1", ProtectedValueUnreadable)
