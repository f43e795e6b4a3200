"""A request and its steps as JSON: server-sent events, API and `gateway send --json` say the same."""

from __future__ import annotations

from typing import Final

import msgspec

from gateway.alerts.feeds import iso_time
from gateway.requests.catalogue import COMMANDS, Kind
from gateway.requests.records import Request, Step

VERSION: Final = 1


def step_payload(step: Step) -> bytes:
    """A request after a step, as the event `request` has it."""
    return msgspec.json.encode({"v": VERSION, **request_object(step.request), "step": step_object(step)})


def request_object(request: Request) -> dict[str, object]:
    """A request as it stands, of JSON types; moments are ISO 8601 in UTC."""
    command = COMMANDS.get(request.command)
    moments = {each.name for each in command.parameters if each.kind is Kind.MOMENT} if command else set[str]()
    return {
        "id": request.id,
        "site": request.site,
        "device": request.device,
        "command": request.command,
        "cn": request.cn,
        "parameters": {
            name: iso_time(value) if name in moments and isinstance(value, int) else value
            for name, value in request.parameters.items()
        },
        "asked": iso_time(request.asked),
        "asked_by": request.asked_by,
        "state": request.state.value,
        "why": request.why.value,
        "qn": request.qn or None,
        "tries": request.tries,
        "changed": iso_time(request.changed or request.asked),
        "frames": request.frames,
        "answer": [{"name": name, "value": text} for name, text in request.answer],
    }


def step_object(step: Step) -> dict[str, object]:
    """One step, of JSON types."""
    return {
        "at": iso_time(step.at),
        "state": step.request.state.value,
        "why": step.why.value,
        "detail": step.detail,
    }
