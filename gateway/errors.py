"""The errors of the service, as one tree. Bad input is never one of these: it is a dead letter or a finding."""

from __future__ import annotations

from collections.abc import Iterator


class GatewayError(Exception):
    """Something in the gateway's surroundings is wrong; the message says what to do."""


class ConfigError(GatewayError):
    """The configuration has mistakes; one line for each, with file, line and field."""


class JournalError(GatewayError):
    """The journal cannot be opened or written."""


class JournalFull(JournalError):
    """The journal has reached its bound because a reader of it (the store) is too far behind."""


class StoreError(GatewayError):
    """The store did not take a write; it is tried again with back-off."""


class LinkError(GatewayError):
    """A link cannot be opened: address, certificate or credentials."""


def leaves(group: BaseExceptionGroup[GatewayError]) -> Iterator[GatewayError]:
    """The errors themselves, out of the groups that task groups wrap around them."""
    for error in group.exceptions:
        if isinstance(error, BaseExceptionGroup):
            yield from leaves(error)
        else:
            yield error
