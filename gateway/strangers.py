"""Strangers: who sent what is nobody's of the inventory, as a bounded list that an inspector reads.

A monitor that nobody registered is found here, and so is one that writes under a wrong name. Whoever invents names must
not fill the list, nor the dead letters: only so many new names a minute are taken in, and the letters of those beyond
are dropped and counted. Minutes are those of the time received, so the same journal gives the same list.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from gateway.records import DeadLetter

STRANGERS_KEPT: Final = 1_000
NAME_CHARACTERS: Final = 256
"""What is kept of a name and of a topic. With the number above: 2 MB at the very worst."""
MINUTE: Final = 60_000


class Stranger(msgspec.Struct):
    """One name, by one topic. Times are ms UTC."""

    name: str
    """Device, MN or camera as the message names it; empty where only the topic does."""
    topic: str
    link: str
    """That of the newest message, as is `reason`."""
    reason: str
    """Reason of its dead letters: what is wrong with it."""
    first: int
    last: int
    count: int = 0


class _Saved(msgspec.Struct):
    """What `Strangers.dump` gives."""

    known: list[Stranger]
    dropped: int
    dropped_at: int
    minute: int
    new: int


class Strangers:
    """The list. Written in the pipeline's loop; `listed` may be called from any thread."""

    def __init__(self, new_per_minute: int = 60) -> None:
        self._new_per_minute = new_per_minute
        self._known: dict[tuple[str, str], Stranger] = {}
        self._minute = 0
        self._new = 0
        self._dropped_at = 0
        self.dropped = 0
        """Letters that were not kept. Outlives the process, as the list does."""

    def __len__(self) -> int:
        return len(self._known)

    def sift(self, dead: list[DeadLetter], strange: Sequence[DeadLetter]) -> list[DeadLetter]:
        """What is to be kept of `dead`; `strange` are those among them that are nobody's."""
        if not strange:
            return dead
        left_out = {id(letter) for letter in strange if not self._hear(letter)}
        return [letter for letter in dead if id(letter) not in left_out] if left_out else dead

    def dropping(self, now: int) -> bool:
        """Whether letters were dropped within the last minute before `now`, ms UTC."""
        return self.dropped > 0 and now - self._dropped_at < MINUTE

    def listed(self) -> list[Stranger]:
        """All that are kept, the last heard first."""
        return sorted(self._known.copy().values(), key=lambda stranger: stranger.last, reverse=True)

    def _hear(self, letter: DeadLetter) -> bool:
        """Note it; False where it is of a new name and there were too many of these within a minute."""
        name, topic = _kept(letter.claimed), _kept(letter.topic)
        stranger = self._known.get((name, topic))
        if stranger is None:
            if not 0 <= letter.received - self._minute < MINUTE:
                self._minute, self._new = letter.received, 0
            if self._new >= self._new_per_minute:
                self.dropped += 1
                self._dropped_at = letter.received
                return False
            self._new += 1
            if len(self._known) >= STRANGERS_KEPT:
                self._forget_one()
            stranger = Stranger(name, topic, letter.link, letter.reason, letter.received, letter.received)
            self._known[name, topic] = stranger
        stranger.link, stranger.reason, stranger.last = letter.link, letter.reason, letter.received
        stranger.count += 1
        return True

    def _forget_one(self) -> None:
        """Make room. A monitor speaks again and again, an invented name once: the least heard goes, then the oldest."""
        least = min(self._known.values(), key=lambda stranger: (stranger.count, stranger.last))
        del self._known[least.name, least.topic]

    def dump(self) -> bytes:
        """Everything remembered."""
        known = list(self._known.values())
        return msgspec.msgpack.encode(_Saved(known, self.dropped, self._dropped_at, self._minute, self._new))

    def load(self, data: bytes) -> None:
        """Take up what `dump` gave."""
        saved = msgspec.msgpack.decode(data, type=_Saved)
        self._known = {(stranger.name, stranger.topic): stranger for stranger in saved.known}
        self.dropped, self._dropped_at = saved.dropped, saved.dropped_at
        self._minute, self._new = saved.minute, saved.new


def _kept(name: str) -> str:
    """A name as it is kept: not too long, and text in every encoding."""
    return name[:NAME_CHARACTERS].encode("utf-8", "backslashreplace").decode()
