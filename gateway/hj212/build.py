"""HJ 212 frames to send: replies and requests in the form of each edition, and a segment made a frame.

Replies of 2017 and 2025 carry the QN of the message answered in their header; those of 2005 have none there and
carry it in CP (HJ 212-2017, 6.6; for 2005 two implementations):

    2017  QN=20160801085857223;ST=91;CN=9014;PW=123456;MN=010000A8900016F000169DC0;Flag=4;CP=&&&&
    2005  ST=91;CN=9014;PW=123456;MN=88888880000001;Flag=0;CP=&&QN=20160801085857223&&
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum, StrEnum
from typing import Final, NamedTuple

from gateway.hj212.crc import crc16_batch
from gateway.hj212.editions import REPLY_BIT, RULES, Edition

LONGEST_SEGMENT: Final = 9999
"""Bytes that the four digits of the length field can say."""
INTERACTION: Final = "91"
"""ST of replies."""


class Answer(StrEnum):
    """CN of a reply."""

    REQUEST = "9011"
    """To a request, and to a frame that is refused: with QnRtn."""
    NOTICE = "9013"
    DATA = "9014"


class QnRtn(IntEnum):
    """Why a message is accepted or not; from 4 on since 2017."""

    ACCEPTED = 1
    REFUSED = 2
    PASSWORD = 3
    MN = 4
    CRC = 9
    UNKNOWN = 100


class ReplyForm(NamedTuple):
    """The segment of a reply, but for the QN of the message answered, which stands between the two parts."""

    before: bytes
    behind: bytes


def reply_form(answer: Answer, *, edition: str, pw: str, mn: str, result: QnRtn | None = None) -> ReplyForm:
    """The form of one kind of reply to one device; `edition` is `2005`, `2017` or `2025`.

    `pw` and `mn` are those of the message answered. 2005 knows the results 1 to 3 only: others become 2.
    """
    rules = RULES[Edition(edition)]
    if rules.version == 0 and result is not None and result > QnRtn.PASSWORD:
        result = QnRtn.REFUSED
    rtn = "" if result is None else f"QnRtn={result:d}"
    header = f"ST={INTERACTION};CN={answer};PW={pw};MN={mn};Flag={rules.version << 2};"
    if rules.version == 0:
        return ReplyForm(f"{header}CP=&&QN=".encode(), f"{rtn and ';' + rtn}&&".encode())
    return ReplyForm(b"QN=", f";{header}CP=&&{rtn}&&".encode())


def reply_to(answer: Answer, *, qn: str, edition: str, pw: str, mn: str, result: QnRtn | None = None) -> bytes:
    """One reply as a frame; parameters as of `reply_form`, `qn` that of the message answered."""
    form = reply_form(answer, edition=edition, pw=pw, mn=mn, result=result)
    return make_frame(form.before + qn.encode() + form.behind)


def request(cn: str, cp: str, *, st: str, pw: str, mn: str, qn: str, edition: str, flag: int | None = None) -> bytes:
    """A command to a device as a frame; `cp` is what stands between the two `&&`.

    `flag` is the whole field; without it the edition's version with "reply wanted". All editions have QN in the
    header of a request. Raises ValueError for a segment of more than 9999 bytes.
    """
    if flag is None:
        flag = RULES[Edition(edition)].version << 2 | REPLY_BIT
    return make_frame(f"QN={qn};ST={st};CN={cn};PW={pw};MN={mn};Flag={flag};CP=&&{cp}&&".encode())


def make_frame(segment: bytes) -> bytes:
    """`##`, length, the segment, CRC and CR LF. Raises ValueError for a segment of more than 9999 bytes."""
    return make_frames([segment])[0]


def make_frames(segments: Sequence[bytes]) -> list[bytes]:
    """Many segments as frames; their CRCs are taken in one call."""
    longest = max(map(len, segments), default=0)
    if longest > LONGEST_SEGMENT:
        raise ValueError(f"a data segment of {longest} bytes; the length field can say {LONGEST_SEGMENT}")
    crcs = crc16_batch(segments).tolist()
    return [b"##%04d%b%04X\r\n" % (len(one), one, crc) for one, crc in zip(segments, crcs, strict=True)]
