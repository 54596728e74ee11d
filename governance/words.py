"""What nobody does without saying why."""

from audit.errors import FieldProblem
from governance.errors import RationaleMissing

WHY = "Say why, in words that can be read later."


def require_words(field: str, text: str, advice: str = WHY) -> None:
    """Raises RationaleMissing, which names the field and advises what to write."""
    if not text.strip():
        problem = FieldProblem(field, "missing", advice)
        raise RationaleMissing(f"The {field} is missing.", errors=[problem])
