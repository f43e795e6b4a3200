"""Words: short texts of frames as numbers, for columns. What loggers send is bounded in number and in length."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

KEPT: Final = 4_096
"""Editions, system types, commands and links that are told apart; what comes beyond is `OTHER`."""
LONGEST: Final = 24
"""Characters kept of one; the standard's have four at most."""
OTHER: Final = "…"


class Words:
    """Text to number and back; number 0 is the empty text, 1 is `OTHER`."""

    def __init__(self, words: Iterable[str] = ()) -> None:
        self._numbers: dict[str, int] = {}
        self.all: list[str] = []
        for word in ("", OTHER, *words):
            self.number(word)

    def number(self, word: str) -> int:
        """The number of a word, given at its first use."""
        word = word[:LONGEST]
        found = self._numbers.get(word)
        if found is not None:
            return found
        if len(self.all) >= KEPT:
            return self._numbers[OTHER]
        self._numbers[word] = len(self.all)
        self.all.append(word)
        return self._numbers[word]

    def __getitem__(self, number: int) -> str:
        return self.all[number]
