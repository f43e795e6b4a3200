"""Text from outside made visible: for terminals, logs, pages and tables that people read."""

from __future__ import annotations


def visible(text: str, most: int = 200) -> str:
    """The text with everything escaped that cannot be printed, cut to its first `most` characters.

    Escapes of terminals, line breaks, NUL and marks that turn the direction of writing do nothing then.

    >>> visible("ww-01\\x1b[2J" + chr(0x202E) + "a\\nb")
    'ww-01\\\\x1b[2J\\\\u202ea\\\\nb'
    """
    if text.isprintable() and len(text) <= most:
        return text
    safe = "".join(
        letter if letter.isprintable() else letter.encode("unicode_escape").decode() for letter in text[:most]
    )
    return safe + ("…" if len(text) > most else "")
