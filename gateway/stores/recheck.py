"""How far back a store is written again when it was reached anew.

A database that is killed may come back without writes that it had acknowledged: InfluxDB 1.6 cuts a torn tail off its
log, goes on writing behind the hole, and at the next start drops all that follows. It is safe only once the log has
become files, 10 minutes after the last write or at a set size. So the positions of the last while are remembered.
"""

from __future__ import annotations

from collections import deque
from typing import Final

STEP_MS: Final = 5_000
"""How finely time is remembered: some 200 positions for a quarter of an hour."""


class Recheck:
    """The positions of the last `seconds`; times are ms UTC. For a store that never says `reconnected`, nothing."""

    def __init__(self, seconds: float, position: int, oldest: int) -> None:
        """`position`: everything before it is stored; `oldest`: the first message the journal still has."""
        self._keep = round(1000 * seconds)
        self._written: deque[tuple[int, int]] = deque([(0, min(oldest, position))])
        """When everything before a position was stored, ascending; what is before the first is safe."""
        self._reconnects = False
        self.back = self._written[0][1]
        """Where a store that is reached anew is written again from."""
        self.until = position
        """Everything before it was stored once."""
        self._reached = False
        """Whether the store was ever reached."""

    def written(self, end: int, now: int, oldest: int, *, reconnected: bool) -> bool:
        """Take note that everything before `end` is stored; whether the store is to be written again from `back`."""
        self._reconnects |= reconnected and self._keep > 0
        if not self._reconnects:
            self.back = self.until = max(self.until, end)
            return False
        if end <= self.until and not reconnected:
            return False
        before, self.until = self.until, max(self.until, end)
        if reconnected:
            self.back = max(self.back, oldest)
            first, self._reached = not self._reached, True
            if first and self.back >= before:  # what was written now is all there ever was
                self._written.append((now, end))
                return False
            self._written = deque([(now, self.back)])
            return self.back < end
        if now - self._written[-1][0] >= STEP_MS:
            self._written.append((now, end))
        while len(self._written) > 1 and self._written[1][0] <= now - self._keep:
            self._written.popleft()
        self.back = max(self._written[0][1], oldest)
        return False
