"""Errors of stores, below `gateway.errors.StoreError`."""

from __future__ import annotations

from gateway.errors import StoreError


class CannotList(StoreError):
    """The store keeps what is asked for in a form that only its own query language can list."""


class StoreBusy(StoreError):
    """The database is there but asks to wait (429, or 503 with `Retry-After`)."""

    def __init__(self, message: str, retry_after: float) -> None:
        super().__init__(message)
        self.retry_after = retry_after
        """Seconds the database asked to be left alone for."""
