"""A connection to the ledger's file, as every reader and writer of its tables has one."""

from __future__ import annotations

import sqlite3
import threading
from pathlib import Path
from typing import Any, Self

from gateway.alerts import ledger_schema as schema
from gateway.errors import GatewayError


class LedgerFile:
    """The file, open for reading; who writes opens it in its own way. Close it, or use it in `with`. For any thread."""

    def __init__(self, file: Path) -> None:
        """Open an existing ledger read-only. Raises `GatewayError`."""
        self.file = file
        self._connection = self._open()
        self._guard = threading.RLock()

    def _open(self) -> sqlite3.Connection:
        return schema.open_for_reading(self.file)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file. Calls under way in other threads end first."""
        with self._guard:
            self._connection.close()

    def _all(self, statement: str, parameters: tuple[object, ...] = ()) -> list[tuple[Any, ...]]:
        """All rows of a query. Raises `GatewayError` where the file cannot be read."""
        try:
            with self._guard:
                return self._connection.execute(statement, parameters).fetchall()
        except sqlite3.Error as error:
            raise GatewayError(f"the ledger {self.file} cannot be read: {error}") from error
