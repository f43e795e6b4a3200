"""The gateway as a process of its own, as it runs in the field: started, killed with -9, stopped, asked."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Mapping
from pathlib import Path

import duckdb

from gateway.alerts.ledger import Ledger

START_S = 30.0
STOP_S = 40.0


class GatewayProcess:
    """`gateway run` on one configuration and data folder."""

    def __init__(self, folder: Path, config: str, inventory: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.data = folder / "data"
        self.config_file = folder / "gateway.toml"
        self.config_file.write_text(f'data = "data"\ninventory = "inventory.toml"\n{config}', "utf-8")
        (folder / "inventory.toml").write_text(inventory, "utf-8")
        self.log_file = folder / "gateway.log"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, environment: Mapping[str, str] | None = None) -> None:
        """Start it; returns at once."""
        with self.log_file.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "gateway", "run", str(self.config_file), "--log-format", "json"],
                stdout=log,
                stderr=log,
                env={**os.environ, **(environment or {})},
            )

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def wait_for(self, event: str, seconds: float = START_S) -> None:
        """Wait until the log has an event it did not have when the process started."""
        deadline = time.monotonic() + seconds
        while f'"event": "{event}"' not in self.log():
            assert self.running, f"the gateway ended:\n{self.log()[-4000:]}"
            assert time.monotonic() < deadline, f"no {event} in the log:\n{self.log()[-4000:]}"
            time.sleep(0.02)

    def kill9(self) -> None:
        """As a power cut would, but for the page cache."""
        assert self._process is not None
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()

    def stop(self) -> None:
        """SIGTERM, and what it says then."""
        if self._process is None or self._process.poll() is not None:
            return
        self._process.terminate()
        try:
            code = self._process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            raise AssertionError(f"the gateway did not stop:\n{self.log()[-4000:]}") from None
        assert code == 0, f"exit status {code}:\n{self.log()[-4000:]}"

    def close(self) -> None:
        """End it, however it is."""
        if self.running:
            self.kill9()

    def log(self) -> str:
        return self.log_file.read_text("utf-8", "replace") if self.log_file.exists() else ""

    def get(self, path: str) -> bytes:
        """An answer of its API; the configuration has `api.port`."""
        port = self.config_file.read_text("utf-8").split("port = ")[-1].split()[0]
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as answer:
            return bytes(answer.read())

    def points(self) -> list[tuple[str, str, int, float]]:
        """(device, factor, ms UTC, value) of every point in the DuckDB store of a stopped gateway."""
        with duckdb.connect(str(self.data / "readings.duckdb"), read_only=True) as connection:
            return connection.execute(
                "select device, factor, epoch_ms(time), value from readings order by all"
            ).fetchall()

    def alert_history(self, family: str = "exceedance") -> list[tuple[str, str, int, int, float]]:
        """(alert, step, at, level, value) of every step in the audit trail, in order within each alert."""
        with Ledger.reader(self.data / "state.sqlite") as ledger:
            alerts = [a for a in ledger.alerts(limit=1000, include_withdrawn=True) if a.subject.family == family]
            steps = [step for alert in alerts for step in ledger.history(alert.id)]
        return sorted((s.alert.id, s.step.value, s.at, s.alert.level, s.value) for s in steps)
