"""An exchange: one request on its way to a device and back, as a machine without clock, socket or file.

    asked -> sent -> accepted -> done        9011 QnRtn=1, then data if any, then 9012 ExeRtn=1
               |         |-----> failed      9012 with another ExeRtn
               |         '-----> timed_out
               |---------------> refused     9011 with another QnRtn
               '---------------> timed_out   after the last try

Without an answer the command is sent again with the same QN: by it the device knows a repeat. Once accepted it is
never sent again, since a sample or a setting would be made twice; the wait is then as long as all tries together.
Each frame of data begins that wait anew. Devices leave out steps: 9012 without 9011 counts, and data without 9012
count when the wait is over.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from gateway.records import LoggerFrame
from gateway.requests.catalogue import Answer, Command
from gateway.requests.records import EXE_RTN, QN_RTN, Request, State, Step, Why

LONGEST_MS: Final = 1_800_000
"""A request that is not over so long after its first try ends: data without end must not hold the queue."""
REPLIES: Final = frozenset(("9011", "9012", "9013", "9014"))
"""Commands that answer: their QN is that of the message answered."""
_ITEMS_KEPT: Final = 50
_TEXT_KEPT: Final = 200
"""Characters of an item that are kept."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long an answer is waited for, and how often a command is sent again."""

    timeout: int
    """ms."""
    retries: int

    @property
    def whole(self) -> int:
        """All tries together, ms."""
        return self.timeout * (self.retries + 1)


@dataclass(frozen=True, slots=True)
class Exchange:
    """A request under way."""

    command: Command
    request: Request
    began: int = 0
    """When it was first tried in this run of the gateway."""
    due: int = 0
    """When its wait is over."""
    untried: int = 0
    """Tries for which there was no way to the device."""


Moved = tuple[Exchange, Step | None]
"""After what happened, and the step to be written, if it is one."""


def tried(exchange: Exchange, qn: str, sent: str, now: int, patience: Patience) -> Moved:
    """One try. `sent` is the content of the command, for the audit trail."""
    request = exchange.request
    assert request.state in (State.ASKED, State.SENT), "what is accepted is never sent again"
    assert request.qn in ("", qn), "the QN stays the same"
    why = Why.FIRST_TRY if not request.tries else Why.NO_ANSWER if exchange.began else Why.RESUMED
    detail = f"try {request.tries + 1} of {patience.retries + 1}, QN {qn}: {request.cn} {sent}".rstrip()
    after = replace(request, state=State.SENT, qn=qn, tries=request.tries + 1)
    return _step(
        replace(exchange, request=after, began=exchange.began or now, due=now + patience.timeout), now, why, detail
    )


def not_sent(exchange: Exchange, now: int) -> Moved:
    """The try found no way to the device: it is waited for as for an answer."""
    detail = "no connection and no reply topic leads to the device now"
    return _step(replace(exchange, untried=exchange.untried + 1), now, Why.NO_WAY, detail)


def resumed(command: Command, request: Request, now: int, patience: Patience) -> Exchange:
    """A request that was under way when the gateway ended: what is sent is tried again, what is accepted waits anew."""
    accepted = request.state is State.ACCEPTED
    return Exchange(command, request, began=now if accepted else 0, due=now + patience.whole if accepted else now)


def to_be_tried(exchange: Exchange, now: int, patience: Patience) -> bool:
    """Whether a try is due."""
    request = exchange.request
    if request.state is State.ASKED:
        return True
    return (
        request.state is State.SENT
        and now >= exchange.due
        and not _answered(request)
        and request.tries <= patience.retries
    )


def waited(exchange: Exchange, now: int, patience: Patience) -> Moved | None:
    """What the passing of time makes of it, None where nothing."""
    request = exchange.request
    if exchange.began and now - exchange.began >= LONGEST_MS:
        return ended(exchange, State.TIMED_OUT, Why.TOO_LONG, now, f"not over after {LONGEST_MS // 60_000} minutes")
    if request.state is State.ASKED or now < exchange.due or to_be_tried(exchange, now, patience):
        return None
    if _answered(request):
        return ended(exchange, State.DONE, Why.NOT_CLOSED, now, f"{_came(request)}, and no 9012 behind it")
    if request.state is State.ACCEPTED:
        detail = f"no 9012 within {patience.whole / 1000:g} s of the acceptance"
        return ended(exchange, State.TIMED_OUT, Why.NO_RESULT, now, detail)
    if exchange.untried and exchange.untried == request.tries:
        return ended(exchange, State.TIMED_OUT, Why.UNREACHABLE, now, f"no way to the device in {request.tries} tries")
    return ended(exchange, State.TIMED_OUT, Why.NO_ANSWER, now, f"no answer to {request.tries} tries")


def heard(exchange: Exchange, frame: LoggerFrame, now: int, patience: Patience) -> Moved | None:
    """What a frame of the device makes of it; None where the frame is not of this exchange."""
    request = exchange.request
    if request.state not in (State.SENT, State.ACCEPTED) or not frame.taken:
        return None
    cn = frame.head.cn
    if cn not in REPLIES:
        return _data(exchange, frame, now, patience) if cn == request.cn else None
    # A reply without QN can only be meant for the one request that is under way.
    if frame.qn not in (b"", request.qn.encode()):
        return None
    items = dict(frame.items)
    if cn == "9011":
        return _answer(exchange, items, now, patience)
    if cn == "9012":
        return _result(exchange, items, now)
    if cn == "9013" and frame.qn and exchange.command.answer is Answer.NOTHING:
        return ended(exchange, State.DONE, Why.NOTICED, now, "answered with 9013")
    return exchange, None


def _answer(exchange: Exchange, items: Mapping[str, str], now: int, patience: Patience) -> Moved | None:
    code = items.get("QnRtn", "").strip()
    if not code:
        return None
    if exchange.request.state is State.ACCEPTED:
        return exchange, None  # the answer to a repeat
    if code == "1":
        accepted = replace(exchange.request, state=State.ACCEPTED)
        return _step(replace(exchange, request=accepted, due=now + patience.whole), now, Why.ACCEPTED, "QnRtn=1")
    return ended(exchange, State.REFUSED, QN_RTN.get(code, Why.CODE_UNKNOWN), now, f"QnRtn={code[:_TEXT_KEPT]}")


def _result(exchange: Exchange, items: Mapping[str, str], now: int) -> Moved | None:
    code = items.get("ExeRtn", "").strip()
    if not code:
        return None
    request = exchange.request
    if code != "1":
        return ended(exchange, State.FAILED, EXE_RTN.get(code, Why.CODE_UNKNOWN), now, f"ExeRtn={code[:_TEXT_KEPT]}")
    if exchange.command.answer is Answer.VALUE and not _answered(request):
        return ended(exchange, State.FAILED, Why.EMPTY_ANSWER, now, f"ExeRtn=1, but no {request.cn} came before it")
    came = f" after {_came(request)}" if exchange.command.answer is not Answer.NOTHING else ""
    return ended(exchange, State.DONE, Why.EXECUTED, now, f"ExeRtn=1{came}")


def _data(exchange: Exchange, frame: LoggerFrame, now: int, patience: Patience) -> Moved | None:
    """A frame of the command's own CN: the value that is read, or data of the time asked for."""
    request, answer = exchange.request, exchange.command.answer
    if answer is Answer.NOTHING or (answer is Answer.VALUE and not frame.items):
        return None
    if answer is Answer.DATA:
        begin, end = request.parameters["begin"], request.parameters["end"]
        assert isinstance(begin, int)
        assert isinstance(end, int)
        # What the device sends of itself meanwhile is of now, mostly, and not of the time asked for.
        if not begin <= frame.time <= end:
            return None
    first = not _answered(request)
    wait = patience.timeout if answer is Answer.VALUE else patience.whole  # more data may be on their way
    if answer is Answer.VALUE:
        kept = tuple((name[:_TEXT_KEPT], text[:_TEXT_KEPT]) for name, text in frame.items[:_ITEMS_KEPT])
        request = replace(request, answer=kept)
    request = replace(request, frames=request.frames + 1, changed=now)
    exchange = replace(exchange, request=request, due=now + wait)
    if not first:
        return exchange, None  # counted; a step for each would fill the audit trail
    detail = ", ".join(f"{name}={text}" for name, text in request.answer) or "data begin to come"
    return _step(exchange, now, Why.DATA, detail)


def _answered(request: Request) -> bool:
    return request.frames > 0


def _came(request: Request) -> str:
    return f"{request.frames} frame{'s' if request.frames != 1 else ''} of {request.cn}"


def ended(exchange: Exchange, state: State, why: Why, now: int, detail: str) -> Moved:
    """Its end, whatever led to it."""
    return _step(replace(exchange, request=replace(exchange.request, state=state)), now, why, detail)


def _step(exchange: Exchange, now: int, why: Why, detail: str) -> Moved:
    request = replace(exchange.request, why=why, changed=now)
    return replace(exchange, request=request), Step(request, now, why, detail)
