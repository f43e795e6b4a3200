"""Asking: a request made from what a person or a program wants. It is written down here and decided upon later."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Final

from gateway.requests.catalogue import Command, check
from gateway.requests.records import Request

_WHO_KEPT: Final = 100


def make_request(
    site: str, device: str, command: Command, parameters: Mapping[str, int | str], asked_by: str, now: int
) -> Request:
    """A request that is asked at `now`. Raises `WrongParameter`."""
    return Request(
        id=f"r-{secrets.token_hex(8)}",
        site=site,
        device=device,
        command=command.name,
        cn=command.cn,
        parameters=check(command, parameters),
        asked=now,
        asked_by=asked_by.encode("ascii", "backslashreplace").decode()[:_WHO_KEPT],
        changed=now,
    )
