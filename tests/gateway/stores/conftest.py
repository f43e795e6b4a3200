"""What tests of stores share: a small inventory, readings by hand, servers on free ports."""

from __future__ import annotations

import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from gateway.channels import ChannelKey, Channels
from gateway.flags import NORMAL
from gateway.inventory import Device, Factor, Inventory, Name, Site
from gateway.records import Readings

NAME = Name("a name", "名称")
Row = tuple[int, int, float]


def make_inventory() -> Inventory:
    """Two sites with four devices; the third and fourth device have ids that try to break out of a line."""
    sites = tuple(Site(id, NAME, 31.0, 121.0, ZoneInfo("Asia/Shanghai")) for id in ("harbour", "north, gate=1"))
    factors = (Factor("a21026", "mg/m3", NAME), Factor("w01018", "mg/L", NAME))
    ids = ((0, "stack-1"), (0, "drain-1"), (1, 'say "hi"\\'), (1, "a\nb,factor=x v=1"))
    devices = tuple(
        Device(id, site, NAME, f"MN{n}", "stack", 60_000, 180_000, factors) for n, (site, id) in enumerate(ids)
    )
    return Inventory(sites, devices, (), ())


def make_channels() -> Channels:
    """Channel 4 * device + k: factor a21026 (k < 2) or w01018, realtime Rtd (k even) or minute Avg."""
    channels = Channels(make_inventory())
    for device in range(4):
        for factor in ("a21026", "w01018"):
            channels.number(ChannelKey(device, factor, "Rtd", "realtime"))
            channels.number(ChannelKey(device, factor, "Avg", "minute"))
    return channels


def make_readings(rows: Iterable[Row], position: int = 0, flag: int = NORMAL) -> Readings:
    """Readings of (channel, time, value), each its own message from `position` on, received 250 ms after their time."""
    rows = list(rows)
    times = np.array([row[1] for row in rows], np.int64)
    return Readings(
        np.array([row[0] for row in rows], np.int32),
        times,
        times + 250,
        np.array([row[2] for row in rows], np.float64),
        np.full(len(rows), flag, np.uint8),
        np.arange(position, position + len(rows), dtype=np.int64),
    )


@pytest.fixture
def channels() -> Channels:
    return make_channels()


@pytest.fixture(scope="session")
def readings_of() -> Callable[..., Readings]:
    return make_readings


@pytest.fixture(scope="session")
def new_channels() -> Callable[[], Channels]:
    """Channels as a new process would number them."""
    return make_channels


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Server:
    """A database server under test on a fixed free port, that can be stopped and started again."""

    def __init__(self, command: list[str], port: int, health: str, folder: Path) -> None:
        self._command, self._health, self._log = command, health, folder / "log.txt"
        self.port = port
        self.url = f"http://127.0.0.1:{port}"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(self._command, stdout=log, stderr=log)
        for _ in range(600):
            try:
                with urllib.request.urlopen(self.url + self._health, timeout=1):
                    return
            except (urllib.error.URLError, OSError):
                assert self._process.poll() is None, self._log.read_text()
                time.sleep(0.05)  # polls for readiness
        raise AssertionError(self._log.read_text())

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None


@pytest.fixture(scope="module")
def influxd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """InfluxDB 1.x of Debian."""
    program = Path("/usr/bin/influxd")
    if not program.exists():
        pytest.skip("Debian's influxdb (influxd 1.x) is not installed")
    folder = tmp_path_factory.mktemp("influxd")
    port, backup = free_port(), free_port()
    config = folder / "influxdb.conf"
    config.write_text(
        f'reporting-disabled = true\nbind-address = "127.0.0.1:{backup}"\n'
        f'[meta]\ndir = "{folder}/meta"\n'
        f'[data]\ndir = "{folder}/data"\nwal-dir = "{folder}/wal"\n'
        f'[http]\nbind-address = "127.0.0.1:{port}"\nlog-enabled = false\n'
        "[monitor]\nstore-enabled = false\n"
    )
    server = Server([str(program), "run", "-config", str(config)], port, "/ping", folder)
    server.start()
    yield server
    server.kill()


@pytest.fixture(scope="module")
def victoria(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """VictoriaMetrics of Debian: it answers `/api/v2/write`."""
    program = Path("/usr/bin/victoria-metrics")
    if not program.exists():
        pytest.skip("Debian's victoria-metrics is not installed")
    folder = tmp_path_factory.mktemp("victoria")
    port = free_port()
    command = [
        str(program),
        f"-httpListenAddr=127.0.0.1:{port}",
        f"-storageDataPath={folder}/data",
        "-retentionPeriod=100y",
    ]
    server = Server(command, port, "/health", folder)
    server.start()
    yield server
    server.kill()
