"""Fixtures shared by all tests: real servers, outside data. In CI nothing is skipped for want of them: it fails."""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import NoReturn, TypeVar

import pytest
from servers import (
    Certificates,
    Influxd,
    Missing,
    Mosquitto,
    Server,
    StartMosquitto,
    VictoriaMetrics,
    make_certificates,
)

from gateway.config import outside_data as outside_data_folder

IN_CI = os.environ.get("CI", "").lower() in ("1", "true", "yes")
SERVER_FIXTURES = {"start_server", "mosquitto", "start_mosquitto", "influxd", "victoria_metrics"}

servers_key = pytest.StashKey[list[Server]]()
ServerT = TypeVar("ServerT", bound=Server)


def absent(reason: str) -> NoReturn:
    """Skip the test for want of something from outside; in CI fail it, so that CI cannot go silently green."""
    if IN_CI:
        pytest.fail(f"{reason}; in CI this is a failure", pytrace=False)
    pytest.skip(reason)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        fixtures = set(getattr(item, "fixturenames", ()))
        if fixtures & SERVER_FIXTURES:
            item.add_marker(pytest.mark.server)
        if "outside_data" in fixtures:
            item.add_marker(pytest.mark.outside_data)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.failed:
        for server in item.stash.get(servers_key, []):
            report.sections.append((f"log of {server.name} on port {server.port}", server.log()))
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Tables that tests recorded as property `table`, also of workers: CI keeps figures in its output."""
    for reports in terminalreporter.stats.values():
        for report in reports:
            if getattr(report, "when", "") != "call":
                continue
            for name, text in getattr(report, "user_properties", ()):
                if name == "table":
                    terminalreporter.section(report.nodeid)
                    terminalreporter.write(text)


class _Starter:
    """Starts servers for one test, each in its own folder, and ends them all."""

    def __init__(self, request: pytest.FixtureRequest, folder: Path) -> None:
        self.servers = request.node.stash.setdefault(servers_key, [])
        self.started: list[Server] = []
        self.folder = folder

    def start(self, build: Callable[[Path], ServerT]) -> ServerT:
        folder = self.folder / f"server-{len(self.servers)}"
        try:
            server = build(folder)
        except Missing as missing:
            absent(str(missing))
        self.servers.append(server)
        self.started.append(server)
        return server.start()

    def close(self) -> None:
        for server in self.started:
            server.close()


@pytest.fixture
def _starter(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[_Starter]:
    starter = _Starter(request, tmp_path)
    yield starter
    starter.close()


@pytest.fixture
def start_server(_starter: _Starter) -> Callable[[Callable[[Path], Server]], Server]:
    """Starts a server of the test's own making from its folder; it is ended after the test."""
    return _starter.start


@pytest.fixture
def start_mosquitto(_starter: _Starter) -> StartMosquitto:
    """Starts a broker with options of the test's choice."""

    def start(**options: object) -> Mosquitto:
        return _starter.start(lambda folder: Mosquitto(folder, **options))  # pyright: ignore[reportArgumentType]

    return start


@pytest.fixture
def mosquitto(start_mosquitto: StartMosquitto) -> Mosquitto:
    """A running broker, set up as the shipped profile."""
    return start_mosquitto()


@pytest.fixture
def influxd(_starter: _Starter) -> Influxd:
    """A running InfluxDB 1.6 with an empty database `pollution`."""
    server = _starter.start(lambda folder: Influxd(folder))
    server.create_database("pollution")
    return server


@pytest.fixture
def victoria_metrics(_starter: _Starter) -> VictoriaMetrics:
    """A running VictoriaMetrics without data."""
    return _starter.start(lambda folder: VictoriaMetrics(folder))


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    """An authority with a server and a client certificate, made once a session."""
    try:
        return make_certificates(tmp_path_factory.mktemp("certificates"))
    except Missing as missing:
        absent(str(missing))


@pytest.fixture(scope="session")
def outside_data() -> Path:
    """Folder of real clips, series and frames."""
    folder = outside_data_folder()
    if not folder.is_dir():
        absent(f"outside data not found at {folder.resolve()} (set GATEWAY_OUTSIDE_DATA)")
    return folder.resolve()
