"""Policy: what may be sent to a device at all, whatever it is doing now."""

from __future__ import annotations

from gateway.hj212.editions import Edition
from gateway.inventory import Inventory
from gateway.requests.catalogue import COMMANDS, WrongParameter, check, lacking
from gateway.requests.records import Request, Why

Refusal = tuple[Why, str]
"""The reason, and a sentence for a person."""


def refusal(inventory: Inventory, request: Request) -> Refusal | None:
    """Why a request is not sent; None where it may be. An edition that is not configured is judged when it is sent."""
    command = COMMANDS.get(request.command)
    if command is None:
        return Why.UNKNOWN_COMMAND, f"no command {request.command!r} is known"
    number = inventory.device_numbers.get((request.site, request.device))
    if number is None:
        return Why.UNKNOWN_DEVICE, f"no device {request.site}/{request.device} in the inventory"
    settings = inventory.devices[number].hj212
    if command.group not in settings.commands:
        what = f'commands of the group "{command.group}" to {request.site}/{request.device}'
        return Why.NOT_ALLOWED, f"the inventory does not allow {what} (hj212.commands)"
    try:
        check(command, request.parameters)
    except WrongParameter as wrong:
        return Why.BAD_PARAMETER, str(wrong)
    if settings.edition:
        told = lacking(command, request.parameters, Edition(settings.edition))
        if told:
            return Why.NOT_IN_EDITION, told
    return None
