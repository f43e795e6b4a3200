"""Data flags of HJ 212 as one byte each, so that they fit in a column.

A one-letter flag is its own ASCII code. The two-letter marks of flue-gas practice have numbers from 128.
A flag not known to any edition is `UNKNOWN`, which is not normal; the raw text stays in the journal.
"""

from __future__ import annotations

from typing import Final

NORMAL: Final = ord("N")
UNKNOWN: Final = 255
PROCESS_MARKS: Final = {"St": 128, "Sd": 129, "Sr": 130, "Md": 131}
"""Start-up, shut-down, (as sent by some) start-up, no data."""

_TEXTS: Final = {code: text for text, code in PROCESS_MARKS.items()}


def flag_code(text: str) -> int:
    """The byte of a flag's text; an empty text is normal, as loggers that send no flag mean it."""
    if not text:
        return NORMAL
    if len(text) == 1 and text.isascii() and text.isalnum():
        return ord(text)
    return PROCESS_MARKS.get(text, UNKNOWN)


def flag_text(code: int) -> str:
    """The text of a flag's byte, `?` where it was unknown."""
    return chr(code) if code < 128 else _TEXTS.get(code, "?")
