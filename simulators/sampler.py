"""The sampler before analysers that work on one sample at a time: it mixes what flows by, and they tell one result a
cycle, the same until the next (HJ 355-2019: one an hour or two of a mixed sample)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping


class Sampler:
    """Bound to the factors that are analysed so."""

    def __init__(self, codes: Iterable[str], cycle_s: float) -> None:
        self.codes = frozenset(codes)
        self._cycle_s = cycle_s
        self._cycle: int = -1
        self._sums: dict[str, float] = {}
        self._count = 0
        self._results: dict[str, float] = {}
        self._wobbles: dict[str, float] = {}
        self.at = 0.0
        """When the result of now was told first, seconds since the start."""

    def analysed(self, t: float, levels: Mapping[str, float]) -> dict[str, float]:
        """The levels as they are analysed `t` seconds after the start: of the cycle before, of now in the first."""
        cycle = int(t // self._cycle_s)
        if cycle != self._cycle:
            now = {code: levels[code] for code in self.codes}
            self._results = {code: total / self._count for code, total in self._sums.items()} if self._count else now
            self._cycle, self._count, self.at = cycle, 0, t
            self._sums = dict.fromkeys(now, 0.0)
            self._wobbles = {}
        self._count += 1
        for code in self._sums:
            self._sums[code] += levels[code]
        return {**levels, **self._results}

    def wobble(self, code: str, drawn: float) -> float:
        """The noise of the result of now: what was drawn first for it."""
        return self._wobbles.setdefault(code, drawn)
