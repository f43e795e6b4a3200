"""The nouns of requests. All times are ms UTC."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Final, NamedTuple

Parameters = dict[str, int | str]
"""Name of the catalogue to value: moments are ms UTC."""

GAP_FILLER: Final = "gap-filler"
"""Who asks where nobody does: `asked_by` of requests for what is missing."""


class State(StrEnum):
    """Where a request stands. It only ever goes downwards in this list, and ends in one of the last four."""

    ASKED = "asked"
    """Written down; not yet sent."""
    SENT = "sent"
    """Sent at least once; no answer yet."""
    ACCEPTED = "accepted"
    """The device has said that it will do it (9011, QnRtn=1)."""
    DONE = "done"
    REFUSED = "refused"
    """By the gateway, or by the device (QnRtn)."""
    FAILED = "failed"
    """The device could not do it (ExeRtn)."""
    TIMED_OUT = "timed_out"

    @property
    def finished(self) -> bool:
        """Whether nothing follows."""
        return self in _FINISHED


_FINISHED: Final = frozenset((State.DONE, State.REFUSED, State.FAILED, State.TIMED_OUT))


class Why(StrEnum):
    """Why a request made a step: one word, which is logged, counted, kept and shown. `docs/hj212.md` has them all."""

    ASKED = "asked"

    FIRST_TRY = "first_try"
    NO_ANSWER = "no_answer"
    """The wait for an answer is over: sent again with the same QN, or given up after the last try."""
    RESUMED = "resumed"
    """Sent again with the same QN because the gateway was started anew meanwhile."""
    NO_WAY = "no_way"
    """There is no connection or reply topic to the device now; the try counts."""
    ACCEPTED = "accepted"
    DATA = "data"
    """The first frame of what was asked for has come."""

    EXECUTED = "executed"
    """ExeRtn=1."""
    NOT_CLOSED = "not_closed"
    """What was asked for has come, but no 9012 behind it."""
    NOTICED = "noticed"
    """The device answered a setting as if it were a notice, with 9013."""

    UNKNOWN_DEVICE = "unknown_device"
    UNKNOWN_COMMAND = "unknown_command"
    BAD_PARAMETER = "bad_parameter"
    NOT_ALLOWED = "not_allowed"
    """The command's group is not among the device's `hj212.commands`."""
    NOT_IN_EDITION = "not_in_edition"
    QUEUE_FULL = "queue_full"

    DEVICE_REFUSES = "device_refuses"
    PASSWORD_WRONG = "password_wrong"
    MN_WRONG = "mn_wrong"
    ST_WRONG = "st_wrong"
    FLAG_WRONG = "flag_wrong"
    QN_WRONG = "qn_wrong"
    CN_WRONG = "cn_wrong"
    CRC_WRONG = "crc_wrong"
    REASON_UNKNOWN = "reason_unknown"

    CONDITION_WRONG = "condition_wrong"
    COMMUNICATION_TIMEOUT = "communication_timeout"
    DEVICE_BUSY = "device_busy"
    SYSTEM_FAULT = "system_fault"
    NO_DATA = "no_data"
    EMPTY_ANSWER = "empty_answer"
    """ExeRtn=1, but the value that was to be read never came."""
    CODE_UNKNOWN = "code_unknown"
    """A QnRtn or ExeRtn that no edition has."""

    UNREACHABLE = "unreachable"
    """There was never a way to the device."""
    NO_RESULT = "no_result"
    """Accepted, and then nothing."""
    TOO_LONG = "too_long"
    """Data without end."""
    STALE = "stale"
    """Nobody took it up in time: the gateway did not run."""


QN_RTN: Final = MappingProxyType(
    {
        "2": Why.DEVICE_REFUSES,
        "3": Why.PASSWORD_WRONG,
        "4": Why.MN_WRONG,
        "5": Why.ST_WRONG,
        "6": Why.FLAG_WRONG,
        "7": Why.QN_WRONG,
        "8": Why.CN_WRONG,
        "9": Why.CRC_WRONG,
        "100": Why.REASON_UNKNOWN,
    }
)
"""QnRtn other than 1 (accepted); HJ 212-2017, table of request answers. 2005 has 1 to 3."""
EXE_RTN: Final = MappingProxyType(
    {
        "2": Why.REASON_UNKNOWN,
        "3": Why.CONDITION_WRONG,
        "4": Why.COMMUNICATION_TIMEOUT,
        "5": Why.DEVICE_BUSY,
        "6": Why.SYSTEM_FAULT,
        "100": Why.NO_DATA,
    }
)
"""ExeRtn other than 1 (done); HJ 212-2017, table of execution results. 2005 has 1, 2 and 100."""


@dataclass(frozen=True, slots=True)
class Request:
    """One command to one device, as it stands."""

    id: str
    site: str
    device: str
    command: str
    """Its name in the catalogue."""
    cn: str
    parameters: Parameters
    asked: int
    asked_by: str
    """`api 127.0.0.1`, `cli alice`, or `gap-filler`."""
    state: State = State.ASKED
    why: Why = Why.ASKED
    """Of its last step."""
    qn: str = ""
    """17 digits, the same for every try; empty until it is sent."""
    tries: int = 0
    changed: int = 0
    frames: int = 0
    """Frames of data that came for it."""
    answer: tuple[tuple[str, str], ...] = field(default=())
    """Items that the device answered, `("SystemTime", "20260501160000")`."""


class Step(NamedTuple):
    """A step of a request: one row of the audit trail."""

    request: Request
    """As it stands after the step."""
    at: int
    why: Why
    detail: str
    """One sentence for a person; may be empty."""
