"""`gateway send`: one command to one device, and how it goes on until it is over.

Works on the ledger file beside the running gateway, which takes the request up within a second. It is audited with
the name of the user who asked.
"""

from __future__ import annotations

import getpass
from collections.abc import Iterator
from pathlib import Path
from time import monotonic, sleep
from typing import Annotated, Final
from zoneinfo import ZoneInfo

import msgspec
import typer

from gateway.alerts.feeds import iso_time
from gateway.clock import now_ms
from gateway.commands.deadletters import LEDGER_FILE
from gateway.config_file import load
from gateway.errors import GatewayError
from gateway.inventory import Inventory
from gateway.requests.asking import make_request
from gateway.requests.catalogue import COMMANDS, GROUPS, Kind, Parameter, WrongParameter
from gateway.requests.feed import request_object, step_object
from gateway.requests.ledger import RequestLedger
from gateway.requests.policy import refusal
from gateway.requests.records import Parameters, Request, State, Step
from gateway.stamps import iso_ms
from gateway.visible import visible

LOOK_EVERY_S: Final = 0.1
WAIT_S: Final = 60.0


def command(
    device: Annotated[str | None, typer.Argument(help="site/device, as the inventory has them.")] = None,
    command: Annotated[str | None, typer.Argument(help="One of --list.")] = None,
    config: Annotated[Path, typer.Option("--config", "-c", help="The gateway's configuration.")] = Path("gateway.toml"),
    begin: Annotated[str | None, typer.Option(help="Start of the first period; local time of the site.")] = None,
    end: Annotated[str | None, typer.Option(help="Start of the last period; local time of the site.")] = None,
    seconds: Annotated[int | None, typer.Option(help="Real-time interval.")] = None,
    minutes: Annotated[int | None, typer.Option(help="Minute interval.")] = None,
    time: Annotated[str | None, typer.Option(help="Time to set; left out: now.")] = None,
    pol_id: Annotated[str | None, typer.Option(help="Factor of the instrument that is meant.")] = None,
    vase: Annotated[int | None, typer.Option(help="Bottle, where the sampler lets it be chosen.")] = None,
    wait: Annotated[float, typer.Option(min=0, help="Seconds to wait for the end.")] = WAIT_S,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object a step, and the request last.")
    ] = False,
    list_commands: Annotated[bool, typer.Option("--list", help="List the commands and their parameters.")] = False,
) -> None:
    """Send a command to a device, and tell each step. Exit status 1 where it was refused, failed or is not over.

    The inventory must allow it for the device: hj212.commands.
    """
    if list_commands:
        typer.echo("\n".join(_listing()))
        return
    if device is None or command is None:
        raise typer.BadParameter("give DEVICE and COMMAND, or --list")
    options = {"seconds": seconds, "minutes": minutes, "pol_id": pol_id, "vase": vase}
    given: Parameters = {name: value for name, value in options.items() if value is not None}
    moments = {name: text for name, text in (("begin", begin), ("end", end), ("time", time)) if text is not None}
    try:
        settings, inventory = load(config)
        request = _request(inventory, device, command, given, moments)
        file = settings.data / LEDGER_FILE
        if not file.is_file():
            raise GatewayError(f"{file} is not there: has the gateway run with this configuration?")
        with RequestLedger(file) as ledger:
            request = ledger.add(request, refusal(inventory, request))
            for step in _steps(ledger, request, wait):
                typer.echo(msgspec.json.encode(step_object(step)) if as_json else _line(step))
            request = ledger.request(request.id) or request
    except GatewayError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(2) from error
    typer.echo(msgspec.json.encode(request_object(request)) if as_json else _result(request))
    if request.state is not State.DONE:
        raise typer.Exit(1)


def _request(inventory: Inventory, device: str, name: str, given: Parameters, moments: dict[str, str]) -> Request:
    """What is asked. Raises `typer.BadParameter` for what makes no sense."""
    site, slash, id = device.partition("/")
    number = inventory.device_numbers.get((site, id))
    if not slash or number is None:
        known = ", ".join("/".join(each) for each in list(inventory.device_numbers)[:10])
        raise typer.BadParameter(f"no device {device!r} in the inventory; it has {known or 'none'}")
    found = COMMANDS.get(name)
    if found is None:
        raise typer.BadParameter(f"no command {name!r}; there are {', '.join(COMMANDS)}")
    zone = inventory.sites[inventory.devices[number].site].zone
    try:
        times = {each: _moment(each, text, zone) for each, text in moments.items()}
        return make_request(site, id, found, given | times, f"cli {getpass.getuser()}", now_ms())
    except WrongParameter as wrong:
        raise typer.BadParameter(str(wrong)) from None


def _moment(name: str, text: str, zone: ZoneInfo) -> int:
    try:
        return iso_ms(text, zone)
    except ValueError as error:
        raise WrongParameter(name, f"{name}: {text!r} {error}") from None


def _steps(ledger: RequestLedger, request: Request, wait: float) -> Iterator[Step]:
    """Steps as they are made, until the last one or until the wait is over."""
    until = monotonic() + wait
    last = 0
    while True:
        over = monotonic() >= until
        for number, step in ledger.steps(request.id, last):
            last = number
            yield step
            if step.request.state.finished:
                return
        if over:
            return
        sleep(min(LOOK_EVERY_S, max(0.0, until - monotonic())))


def _line(step: Step) -> str:
    moment = (iso_time(step.at) or "")[11:]
    return f"{moment}  {step.request.state:<9}  {step.why:<16}  {visible(step.detail, 1_000)}".rstrip()


def _result(request: Request) -> str:
    if not request.state.finished:
        hint = ": is the gateway running?" if request.state is State.ASKED else ""
        return f"{request.id} is not over{hint}"
    parts = [f"{request.id} {request.state}: {request.why}"]
    if request.frames and not request.answer:
        parts.append(f"{request.frames} frames")
    return ", ".join([*parts, *(f"{name} = {visible(text, 1_000)}" for name, text in request.answer)])


def _listing() -> Iterator[str]:
    for group in GROUPS:
        yield f"{group}:"
        for each in (each for each in COMMANDS.values() if each.group == group):
            yield f"  {each.name:<21} {each.cn}  {each.en} ({each.zh}); {', '.join(sorted(each.editions))}"
            yield from (f"      --{one.name.replace('_', '-'):<9} {_meaning(one)}" for one in each.parameters)


def _meaning(parameter: Parameter) -> str:
    bounds = ""
    if parameter.choices:
        bounds = f"one of {' '.join(map(str, parameter.choices))} {parameter.unit}; "
    elif parameter.kind is Kind.NUMBER:
        bounds = f"{parameter.least} to {parameter.most} {parameter.unit}".rstrip() + "; "
    return f"{parameter.item}: {bounds}{parameter.text}{'' if parameter.required else ' (optional)'}"
