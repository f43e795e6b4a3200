"""Replies: what devices are told of their frames. Called with blocks that the journal has synced, so a 9014 is kept.

A frame is answered where bit 0 of its Flag asks for it and it has a QN: data with 9014, notices and heartbeats with
9013, replies with nothing. What is quarantined, or of no device of ours, gets 9011 with the reason, so that the
device keeps it. A repeated frame gets its reply again: the first one may have been lost.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Final, Protocol

from gateway.clock import now_ms
from gateway.hj212.build import Answer, QnRtn, ReplyForm, make_frames, reply_form
from gateway.hj212.editions import REPLY_BIT
from gateway.hj212.verdicts import Verdict
from gateway.records import Block, FrameHead, LoggerFrame
from gateway.topics import Router

STALE_MS: Final = 600_000
"""A frame that was received so long ago is not answered: it is a dead letter run again, and nobody waits for it."""
FORMS: Final = 20_000
"""Forms of replies that are remembered; at the bound all are forgotten and made again."""
NOTICES: Final = frozenset(("1013", "2072", "9015", "9021"))
"""Commands of a device that are notices (9021: the login of 2005, whose own answer 9022 no source describes)."""
REPLIES: Final = frozenset(("9011", "9012", "9013", "9014", "9022"))
CRC_FAULTS: Final = Verdict.CRC_WRONG | Verdict.CRC_SWAPPED | Verdict.CRC_MODBUS | Verdict.CRC_OF_CIPHERTEXT

_PW: Final = re.compile(rb"(?<![a-z])PW\s*=\s*([^;,&#]*)", re.IGNORECASE)


class Sender(Protocol):
    """What replies need of the way down (`gateway.downlink.Downlink`)."""

    def hear(self, link: str, devices: Sequence[int]) -> None: ...

    def send_over(self, link: str, frames: Sequence[tuple[int, bytes]]) -> int: ...


class Replies:
    """Answers the frames of blocks. Lives in the ingest loop."""

    def __init__(
        self, downlink: Sender, router: Router, *, enabled: bool = True, clock: Callable[[], int] = now_ms
    ) -> None:
        """`enabled`: whether anything is sent (`hj212.reply`); devices are heard of all the same."""
        self._downlink = downlink
        self._router = router
        self._enabled = enabled
        self._clock = clock
        self._forms: dict[FrameHead, ReplyForm] = {}
        self._refusals: dict[tuple[FrameHead, QnRtn], ReplyForm] = {}
        self.sent = 0
        self.unsent = 0
        """Replies that no link could send; the device repeats its frame."""

    @property
    def remembered(self) -> int:
        """How many forms of replies are held."""
        return len(self._forms) + len(self._refusals)

    def answer(self, block: Block, frames: Sequence[LoggerFrame]) -> None:
        """Reply to the frames of one block that was journalled just now."""
        if not frames:
            return
        self._downlink.hear(block.link, list({frame.head.device for frame in frames if frame.taken} - {-1}))
        if not self._enabled or self._clock() - block.received > STALE_MS:
            return
        devices: list[int] = []
        segments: list[bytes] = []
        for frame in frames:
            head = frame.head
            if not (head.flag > 0 and head.flag & REPLY_BIT and frame.qn) or head.cn in REPLIES:
                continue
            device = head.device if head.device >= 0 else self._router.route(block.topics[frame.row]).device
            if device < 0:
                continue  # not in the inventory, and come by a topic that names nobody: there is no way to it
            refusal = None if frame.taken else refusal_of(frame)
            form = self._forms.get(head) if refusal is None else self._refusals.get((head, refusal))
            if form is None:
                form = self._make(head, refusal, block.payloads[frame.row])
            devices.append(device)
            segments.append(form.before + frame.qn + form.behind)
        if segments:
            sent = self._downlink.send_over(block.link, list(zip(devices, make_frames(segments), strict=True)))
            self.sent += sent
            self.unsent += len(segments) - sent

    def _make(self, head: FrameHead, refusal: QnRtn | None, payload: bytes) -> ReplyForm:
        """Make and remember a form. The header of a record has no password, so that is read from the frame again."""
        if self.remembered >= FORMS:
            self._forms.clear()
            self._refusals.clear()
        pw = _password(payload, head.mn)
        if refusal is None:
            form = reply_form(answer_to(head.cn), edition=head.edition, pw=pw, mn=head.mn)
            self._forms[head] = form
        else:
            form = reply_form(Answer.REQUEST, edition=head.edition, pw=pw, mn=head.mn, result=refusal)
            self._refusals[head, refusal] = form
        return form


def answer_to(cn: str) -> Answer:
    """The reply to a command of a device; of an unknown one by its group (HJ 212-2017, 6.4)."""
    return Answer.NOTICE if cn in NOTICES or not "1000" <= cn < "9000" else Answer.DATA


def refusal_of(frame: LoggerFrame) -> QnRtn | None:
    """Why a frame that was not taken is refused; None where it was received well and only says nothing usable.

    Such a frame is a dead letter here; sending it again would change nothing, so it is answered as others are.
    """
    if frame.verdicts & CRC_FAULTS:
        return QnRtn.CRC
    if frame.verdicts & Verdict.PASSWORD_WRONG:
        return QnRtn.PASSWORD
    if frame.head.device < 0:
        return QnRtn.MN
    if frame.verdicts & Verdict.KEY_UNKNOWN:
        return QnRtn.UNKNOWN
    return None


def _password(payload: bytes, mn: str) -> str:
    """PW of the frame of this MN in a payload, empty where it has none."""
    at = max(payload.find(mn.encode()), 0)
    end = payload.find(b"&&", at)
    found = _PW.search(payload, max(payload.rfind(b"##", 0, at), 0), end if end >= 0 else len(payload))
    return found[1].strip().decode("ascii", "replace") if found else ""
