"""What a monitor answers to the centre (HJ 212-2017, 6.6 and annex C).

A request is answered with 9011, then come the data, if any, then 9012; a notice is answered with 9013.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Final, NamedTuple

from simulators.formats.hj212 import Writer
from simulators.loggers.commands import COMMANDS, CONDITION_WRONG, SINCE_2017, Order, Undone
from simulators.loggers.control import Control
from simulators.loggers.frames import Heard, read
from simulators.records import Happening

DONE, FAILED = 1, 2
"""ExeRtn."""
ACCEPTED, REFUSED, PASSWORD_WRONG, MN_WRONG, COMMAND_WRONG, CRC_WRONG = 1, 2, 3, 4, 8, 9
"""QnRtn; 2005 knows the first three."""
NOTICES: Final = frozenset(("2012", "2022"))
TO_CENTRE: Final = frozenset(("9011", "9012", "9013", "9014", "9022"))
RECENT: Final = 64
"""Commands whose numbers are remembered: one that comes again is answered and not done again."""

Note = Callable[[Happening], None]


class Answer(NamedTuple):
    """A frame for the centre."""

    frame: bytes
    at_once: bool
    """Whether it goes before data that wait; else behind them."""


@dataclass(slots=True)
class Desk:
    """Answers for one monitor."""

    site: str
    device: str
    writer: Writer
    control: Control
    note: Note | None = None
    """Told what a command has changed, as a line of the truth of the layer `command`."""
    answered: int = 0
    """Commands."""
    _done: deque[str] = field(default_factory=lambda: deque[str](maxlen=RECENT))

    def hear(self, frame: bytes, now: int) -> list[Answer]:
        """What to send for a frame that came at `now` (ms UTC); nothing for answers, and for what is no frame."""
        heard = read(frame)
        if heard is None or heard.cn in TO_CENTRE:
            return []
        self.answered += 1
        refusal = self._refusal(heard)
        if refusal:
            return [self._answer("9011", heard, f"QnRtn={refusal}")]
        if heard.cn in NOTICES:
            if heard.cn == "2012":
                self.control.realtime = False
                self._tell(now, "stop_realtime")
            return [self._answer("9013", heard, "")]
        accepted = self._answer("9011", heard, f"QnRtn={ACCEPTED}")
        frames: list[bytes] = []
        result = DONE
        tell = partial(self._tell, now)
        try:
            frames = COMMANDS[heard.cn](Order(heard, now, self.writer, self.control, heard.qn in self._done, tell))
        except Undone as undone:
            result = FAILED if undone.result == CONDITION_WRONG and not self._since_2017 else undone.result
        self._done.append(heard.qn)
        executed = self._answer("9012", heard, f"ExeRtn={result}")
        return [accepted, *(Answer(each, at_once=False) for each in frames), executed._replace(at_once=False)]

    @property
    def _since_2017(self) -> bool:
        return self.writer.edition != "2005"

    def _answer(self, command: str, heard: Heard, cp: str) -> Answer:
        return Answer(self.writer.answer(command, heard.qn, cp), at_once=True)

    def _refusal(self, heard: Heard) -> int:
        """QnRtn other than 1, or 0."""
        if not heard.crc_right:
            code = CRC_WRONG
        elif heard.mn != self.writer.mn:
            code = MN_WRONG
        elif heard.pw != self.writer.password:
            return PASSWORD_WRONG
        elif heard.cn not in NOTICES and (
            heard.cn not in COMMANDS or (heard.cn in SINCE_2017 and not self._since_2017)
        ):
            code = COMMAND_WRONG
        else:
            return 0
        return code if self._since_2017 else REFUSED

    def _tell(self, now: int, kind: str, **what: object) -> None:
        """Into the monitor's log, and into the truth."""
        self.control.log.append((self.control.clock(now), kind.replace("_", " ")))
        if self.note is not None:
            where = {"layer": "command", "site": self.site, "device": self.device, "kind": kind}
            self.note(Happening(now, {**where, **what, "start_ms": now, "end_ms": None}))
