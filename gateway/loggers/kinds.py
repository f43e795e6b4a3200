"""Kinds: frames that differ in QN, time and content only, numbered, so that a block is counted without looking at each.

A fleet sends the same few headers over and over. Each header with its verdicts is a kind; what its frames mean for
the tally is worked out once, and a block adds to columns. `fold` carries these over to the tally when it is asked for.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b
from typing import Final

import numpy as np
from numpy.typing import NDArray

from detectors.records import NEVER
from gateway.hj212.verdicts import Verdict
from gateway.loggers.events import TELLING
from gateway.loggers.tally import VERDICTS, Tally
from gateway.records import FrameHead

KEPT: Final = 200_000
"""Kinds told apart; at the bound they are folded and all forgotten (a header that is never the same twice)."""

SPLIT: Final = 1
MINUTE: Final = 2
HOUR: Final = 4
TELLS: Final = 8
DATA: Final = 16
"""What is to be done with a frame beside counting it, as bits."""

_ANSWERS: Final = frozenset(("9011", "9012", "9013", "9014"))
"""Sent again because we asked again: no repeats of the device's making."""
_COLUMNS: Final = np.dtype(
    [
        ("device", np.int32),
        ("slot", np.int32),
        ("key", np.uint64),
        ("verdicts", np.int64),
        ("taken", np.bool_),
        ("sealed", np.bool_),
        ("back_filled", np.bool_),
        ("task", np.uint8),
        ("cn", np.int32),
        ("edition", np.int32),
        ("st", np.int32),
        # gathered since the last fold
        ("count", np.int64),
        ("order", np.int64),
        ("position", np.int64),
        ("received", np.int64),
        ("time", np.int64),
        ("link", np.int32),
        ("qn", "S17"),
    ]
)

_NOBODY: Final = FrameHead(-1, "", "", "", "", -1, 0, 0, False, 0)
"""Stands for the head of every frame that is of no device of the inventory."""

Kind = tuple[FrameHead, int, bool, bool]
"""Head, verdicts, taken, encrypted."""


class Kinds(dict[Kind, int]):
    """Kind to its number; one that is not there yet gets the next."""

    def __init__(self, tally: Tally, names: Sequence[tuple[str, str]]) -> None:
        """`names`: (site id, device id) by device number."""
        super().__init__()
        self._tally = tally
        self._names = names
        self._seen = 0
        self.rows: NDArray[np.void] = np.zeros(1024, _COLUMNS)
        self.fresh: list[int] = []
        """Kinds numbered since this was last emptied."""
        self.stranger_frames = 0
        self.stranger_verdicts = np.zeros(VERDICTS, np.int64)
        """Of frames that are of no device of the inventory."""

    def __missing__(self, kind: Kind) -> int:
        if kind[0].device < 0 and kind[0] is not _NOBODY:
            return self[(_NOBODY, *kind[1:])]  # whoever invents MNs makes no kind of each
        number = len(self)
        if number == len(self.rows):
            self.rows = np.concatenate([self.rows, np.zeros_like(self.rows)])
        head, verdicts, taken, encrypted = kind
        device, words = head.device, self._tally.words
        row = self.rows[number]
        row["device"] = device
        row["slot"] = self._tally.slot(device, head.cn) if device >= 0 else -1
        row["key"] = self._key(head) if device >= 0 and taken and head.cn not in _ANSWERS else 0
        row["verdicts"] = verdicts
        row["taken"], row["sealed"], row["back_filled"] = taken, encrypted, head.rf
        row["task"] = _task(head) if device >= 0 and taken else 0
        row["cn"], row["edition"], row["st"] = (words.number(word) for word in (head.cn, head.edition, head.st))
        self[kind] = number
        self.fresh.append(number)
        return number

    def _key(self, head: FrameHead) -> int:
        """What a repeat has in common with the first beside QN or content, the same in every process; never 0."""
        text = "\x1f".join((*self._names[head.device], head.cn, str(head.pno)))
        return int.from_bytes(blake2b(text.encode("utf-8", "replace"), digest_size=8).digest()) | 1

    def add(
        self, kinds: NDArray[np.intp], qns: NDArray[np.bytes_], times: NDArray[np.int64], positions: NDArray[np.int64]
    ) -> None:
        """Count frames, shape (n,) each; of each kind the last one stands as its newest."""
        rows = self.rows
        np.add.at(rows["count"], kinds, 1)
        rows["order"][kinds] = np.arange(self._seen, self._seen + len(kinds))
        rows["position"][kinds] = positions
        rows["time"][kinds] = times
        rows["qn"][kinds] = qns
        self._seen += len(kinds)

    def stamp(self, kinds: NDArray[np.intp], received: int, link: int) -> None:
        """When and by which link (a word) frames of these kinds came last."""
        self.rows["received"][kinds] = received
        self.rows["link"][kinds] = link

    def note_first(self, kinds: NDArray[np.intp], times: NDArray[np.int64], received: int) -> None:
        """Of devices that were not heard of before, keep when their first frame came."""
        if not self.fresh:
            return
        devices = self.rows["device"][kinds]
        device, row = np.unique(devices, return_index=True)
        columns = self._tally.devices
        new = (device >= 0) & (columns["first_received"][device] == NEVER)
        columns["first_received"][device[new]] = received
        columns["first_time"][device[new]] = times[row[new]]
        self.fresh.clear()

    def fold(self) -> None:
        """Carry what was gathered over to the tally."""
        gathered = np.flatnonzero(self.rows["count"][: len(self)])
        rows = self.rows[gathered[np.argsort(self.rows["order"][gathered])]]
        self.rows["count"][gathered] = 0
        strange = rows[rows["device"] < 0]
        self.stranger_frames += int(strange["count"].sum())
        for bit, mine in _by_verdict(strange):
            self.stranger_verdicts[bit] += int(mine["count"].sum())
        rows = rows[rows["device"] >= 0]
        tally, device, count = self._tally, rows["device"], rows["count"]
        columns = tally.devices
        np.add.at(tally.frames, rows["slot"], count)
        np.add.at(columns["frames"], device, count)
        for name, which in (
            ("marked", rows["verdicts"] != 0),
            ("quarantined", ~rows["taken"]),
            ("back_filled", rows["back_filled"]),
            ("encrypted", rows["sealed"]),
        ):
            np.add.at(columns[name], device[which], count[which])
        for bit, mine in _by_verdict(rows):
            np.add.at(tally.count[:, bit], mine["device"], mine["count"])
            tally.last[mine["device"], bit] = mine["received"]
            tally.example[mine["device"], bit] = mine["position"]
        for name in (
            "received",
            "time",
            "position",
            "verdicts",
            "taken",
            "sealed",
            "qn",
            "cn",
            "edition",
            "st",
            "link",
        ):
            columns[name][device] = rows[name]  # in order of coming: the last one stands

    def forget(self) -> None:
        """Begin anew with the numbers. What was gathered must have been folded."""
        self.clear()
        self.fresh.clear()


def _by_verdict(rows: NDArray[np.void]) -> list[tuple[int, NDArray[np.void]]]:
    """Bit and the rows that have it, for each bit that occurs."""
    verdicts = rows["verdicts"]
    occurring = int(np.bitwise_or.reduce(verdicts)) if len(rows) else Verdict.NONE
    return [(bit, rows[(verdicts >> bit) & 1 == 1]) for bit in range(VERDICTS) if occurring >> bit & 1]


def _task(head: FrameHead) -> int:
    task = SPLIT if head.pnum > 1 else 0
    if head.cn == "2051":
        task |= MINUTE
    elif head.cn == "2061":
        task |= HOUR
    if head.cn in TELLING:
        task |= TELLS
    elif head.cn.startswith("2"):
        task |= DATA
    return task
