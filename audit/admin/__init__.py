"""Read-only windows. Django imports this module; each of these registers its own."""

from audit.admin import archive, log, people, requests

__all__ = ["archive", "log", "people", "requests"]
