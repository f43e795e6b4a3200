"""Commands to devices: asking, and how far each request is. The one place where the API changes anything."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from typing import Annotated, Final
from urllib.parse import urlsplit

import msgspec
from fastapi import APIRouter, Depends, Path, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field, StrictInt, StrictStr

from gateway.api.problems import Problem, responses
from gateway.api.times import parse_instant
from gateway.api.views import GetViews
from gateway.errors import GatewayError
from gateway.requests.asking import make_request
from gateway.requests.catalogue import COMMANDS, Command, Kind, WrongParameter
from gateway.requests.feed import request_object, step_object
from gateway.requests.records import Parameters, State, Why

router = APIRouter(prefix="/api/v1", tags=["commands to devices"])

_STATUS: Final = {Why.QUEUE_FULL: 503, Why.NOT_IN_EDITION: 409}
"""Of what is refused at once; else 403."""
_AT_HOME: Final = frozenset(("localhost", "localhost.localdomain"))


class AskModel(BaseModel):
    """A command to be sent."""

    model_config = ConfigDict(extra="forbid")

    command: str = Field(
        description="Its name, as `gateway send --list` has it", json_schema_extra={"enum": [*COMMANDS]}
    )
    parameters: dict[str, StrictInt | StrictStr] = Field(
        default={},
        max_length=10,
        description="By name; times are ISO 8601 with a zone, or milliseconds since the epoch",
        examples=[{"begin": "2026-05-01T00:00:00Z", "end": "2026-05-01T07:00:00Z"}],
    )


class ItemModel(BaseModel):
    name: str
    value: str


class RequestModel(BaseModel):
    """One command to one device, as it stands."""

    id: str = Field(examples=["r-1f6f0c3f5d1a2b3c"])
    site: str
    device: str
    command: str = Field(examples=["set-time"])
    cn: str = Field(description="Command number of HJ 212", examples=["1012"])
    parameters: dict[str, int | str]
    asked: str = Field(description="ISO 8601 UTC")
    asked_by: str = Field(examples=["api 127.0.0.1"])
    state: State
    why: Why = Field(description="Reason of the last step")
    qn: str | None = Field(description="Number of the message, the same for every try; null until it is sent")
    tries: int
    changed: str = Field(description="When the last step was made")
    frames: int = Field(description="Frames of data that came for it")
    answer: list[ItemModel] = Field(description="What the device answered")


class StepModel(BaseModel):
    at: str = Field(description="ISO 8601 UTC")
    state: State
    why: Why
    detail: str = Field(description="One sentence; may be empty")


class RequestWithSteps(RequestModel):
    steps: list[StepModel] = Field(description="The audit trail, the first step first")


def _from_here(request: Request) -> None:
    """No page of another place may send commands through the browser of someone who can reach the gateway.

    A browser sends no JSON elsewhere without asking first, and says where a page is from. A name that was made to
    lead to this machine for a moment would be both origin and host, so from a browser only addresses are taken.
    """
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise Problem(415, "expected the content type application/json")
    origin = request.headers.get("origin")
    if origin is None:
        return
    asked = urlsplit(f"//{request.headers.get('host', '')}")
    if urlsplit(origin).netloc.lower() != asked.netloc.lower() or not _is_address(asked.hostname or ""):
        raise Problem(403, f"a page of {origin[:200]} may not send commands to devices")


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return host.lower() in _AT_HOME
    return True


@router.post(
    "/devices/{site}/{device}/requests",
    response_model=RequestModel,
    status_code=202,
    summary="Send a command to a device",
    dependencies=[Depends(_from_here)],
    responses=responses(403, 404, 409, 415, 422, 503),
)
def ask(
    views: GetViews,
    request: Request,
    site: Annotated[str, Path(max_length=200, description="Id of the site")],
    device: Annotated[str, Path(max_length=200, description="Id of the device")],
    body: AskModel,
) -> Response:
    """Written down, and sent within a second or when its turn comes; `/api/v1/requests/{id}` says how it goes on."""
    views.device(site, device, "path")
    command = COMMANDS.get(body.command)
    if command is None:
        raise Problem(422, f"no command {body.command[:100]!r}; there are: {', '.join(COMMANDS)}", "command", "body")
    who = request.client.host if request.client else "unknown"
    try:
        wanted = make_request(site, device, command, _parameters(command, body.parameters), f"api {who}", views.clock())
    except WrongParameter as wrong:
        raise Problem(422, str(wrong), wrong.parameter[:100], "body") from None
    try:
        asked = views.ask(wanted)
    except GatewayError as error:
        raise Problem(503, f"the request could not be written down: {error}") from error
    if asked.state is State.REFUSED:
        told = [step.detail for _, step in views.requests.steps(asked.id)][-1:] or [asked.why.value]
        raise Problem(_STATUS.get(asked.why, 403), f"{told[0]}; kept as request {asked.id}")
    return Response(msgspec.json.encode(request_object(asked)), 202, media_type="application/json")


def _parameters(command: Command, given: Mapping[str, int | str]) -> Parameters:
    """Times as ms UTC; the others as they are. Raises `WrongParameter`."""
    moments = {parameter.name for parameter in command.parameters if parameter.kind is Kind.MOMENT}
    found: Parameters = {}
    for name, value in given.items():
        try:
            found[name] = parse_instant(value) if name in moments else value
        except ValueError as error:
            raise WrongParameter(name, f"{name}: {error}") from None
    return found


@router.get(
    "/requests", response_model=list[RequestModel], summary="Commands to devices", responses=responses(404, 422)
)
def requests(
    views: GetViews,
    site: Annotated[str | None, Query(max_length=200, description="Only to devices of this site")] = None,
    device: Annotated[str | None, Query(max_length=200, description="Only to devices with this id")] = None,
    state: Annotated[State | None, Query(description="Only in this state")] = None,
    limit: Annotated[int, Query(ge=1, le=1000, description="At most so many")] = 100,
    before: Annotated[
        str | None, Query(max_length=100, description="For the next page: `id` of the last one of this page")
    ] = None,
) -> Response:
    """The latest asked first, those of the gap filler among them."""
    if before is not None and views.requests.request(before) is None:
        raise Problem(404, f"no request {before!r}", "before")
    found = views.requests.requests(site, device, state, limit, before)
    return Response(msgspec.json.encode([request_object(one) for one in found]), media_type="application/json")


@router.get(
    "/requests/{id}",
    response_model=RequestWithSteps,
    summary="One command and its steps",
    responses=responses(404, 422),
)
def request_of(views: GetViews, id: Annotated[str, Path(max_length=100, description="Id of the request")]) -> Response:
    """The request as it stands, with its audit trail."""
    found = views.requests.request(id)
    if found is None:
        raise Problem(404, f"no request {id!r}", "id", "path")
    steps = [step_object(step) for _, step in views.requests.steps(id)]
    return Response(msgspec.json.encode(request_object(found) | {"steps": steps}), media_type="application/json")
