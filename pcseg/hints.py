"""Words in errors: the suggestion for one that does not exist, and lists that are not too long."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """``" (did you mean rotate?)"``, or nothing if no known word is close."""
    close = difflib.get_close_matches(word, list(known), 1)
    return f" (did you mean {close[0]}?)" if close else ""


def listed(names: Sequence[str], most: int = 12) -> str:
    """Names by comma; a long list is cut and says how many more there are."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more
