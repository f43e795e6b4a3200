"""A disk that fills up under load, and a gateway that is killed and started while it is full.

The disk is a small file system of its own, which holds all of the gateway's data, or only its journal, ledger or store.
Nothing that was acknowledged is lost, the reason is loud, and it goes on by itself when there is room.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import urllib.error
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import pytest
from conftest import absent
from fault_city import Point, config, inventory, link, messages, points_of
from gateway_process import GatewayProcess
from servers import Mosquitto, free_port

from gateway.alerts.ledger import Ledger
from gateway.alerts.records import Family
from gateway.journal.journal import SPARE_BYTES
from gateway.journal.verify import verify
from simulators.fast_publisher import publish_all

MESSAGES = 4_000
MIB = 1 << 20


class SmallDisk:
    """A file system in memory, and a file on it that is none of the gateway's."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._ballast = folder / "of-somebody-else"

    def leave(self, free: int) -> None:
        """Fill it until so many bytes are free."""
        too_much = shutil.disk_usage(self.folder).free - free
        if too_much > 0:
            with self._ballast.open("ab") as file:
                os.posix_fallocate(file.fileno(), file.tell(), too_much)

    def clear(self) -> None:
        self._ballast.unlink()


@contextmanager
def small_disk(folder: Path, mib: int) -> Iterator[SmallDisk]:
    folder.mkdir(parents=True)
    options = ["-t", "tmpfs", "-o", f"size={mib}m", "tmpfs", str(folder)]
    mounted = subprocess.run(["mount", *options], capture_output=True, text=True, check=False)
    if mounted.returncode:
        absent(f"no file system can be mounted: {mounted.stderr.strip()}")
    try:
        yield SmallDisk(folder)
    finally:
        subprocess.run(["umount", "-l", folder], check=True)


def truth() -> set[Point]:
    sent = list(messages(MESSAGES))
    return points_of([payload for _, payload in sent], [topic for topic, _ in sent])


def gateway_on(broker: Mosquitto, folder: Path, *, store: Path | None = None) -> GatewayProcess:
    duckdb = '[store]\nkind = "duckdb"' + (f'\nfile = "{store}"' if store is not None else "")
    page = f"[api]\nconsole = false\nport = {free_port()}"
    text = config(link(broker.url), duckdb).replace("[api]\nenabled = false", page)
    return GatewayProcess(folder, text, inventory())


async def publish(broker: Mosquitto) -> None:
    report = await publish_all(broker.host, broker.port, messages(MESSAGES), qos=1, rate=4_000)
    assert report.acked == MESSAGES, "the broker takes what the gateway does not"


def not_ready(gateway: GatewayProcess) -> dict[str, str]:
    """What /readyz gives as reasons."""
    try:
        answer = gateway.get("/readyz")
    except urllib.error.HTTPError as refused:
        answer = refused.read()
    except urllib.error.URLError as error:
        assert gateway.running, gateway.log()
        return {"page": str(error)}
    return msgspec.json.decode(answer)["reasons"]


async def until_not_ready(gateway: GatewayProcess, part: str) -> str:
    """Wait until /readyz names a part of the gateway; why."""
    async with asyncio.timeout(60):
        while part not in (reasons := await asyncio.to_thread(not_ready, gateway)):
            await asyncio.sleep(0.1)
    return reasons[part]


def health_alerts(gateway: GatewayProcess) -> dict[str, str]:
    """Condition to state of the alerts about the gateway itself."""
    with Ledger.reader(gateway.data / "state.sqlite") as ledger:
        return {a.subject.id: a.state.value for a in ledger.alerts(family=Family.GATEWAY_HEALTH, limit=100)}


def position(gateway: GatewayProcess) -> int:
    with Ledger.reader(gateway.data / "state.sqlite") as ledger:
        return ledger.position()


async def killed_and_started(gateway: GatewayProcess) -> None:
    """Killed with -9 and started while the disk is as full as it was."""
    await asyncio.to_thread(gateway.kill9)
    gateway.log_file.rename(gateway.log_file.with_suffix(".before"))
    gateway.start()


async def ends_with_everything(gateway: GatewayProcess, *told: str, store: Path | None = None) -> None:
    """It comes to rest by itself: everything is in the store once, the journal is sound, and what was told is over."""
    async with asyncio.timeout(60):
        while (
            position(gateway) < MESSAGES
            or await asyncio.to_thread(not_ready, gateway)
            or health_alerts(gateway) != dict.fromkeys(told, "resolved")
        ):
            await asyncio.sleep(0.1)
    await asyncio.to_thread(gateway.stop)
    if store is not None:
        (gateway.data / "readings.duckdb").symlink_to(store)
    points = gateway.points()
    assert len(points) == len(set(points))
    assert set(points) == truth()
    assert verify(gateway.data / "journal").sound


def metric(gateway: GatewayProcess, name: str) -> float:
    lines = gateway.get("/metrics").decode().splitlines()
    return next(float(line.split()[1]) for line in lines if line.startswith(f"{name} "))


@pytest.fixture(scope="module")
def calm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[tuple[str, str, int, int, float]]]:
    """The alerts' histories of a run in which nothing happens."""
    folder = tmp_path_factory.mktemp("calm")
    with Mosquitto(folder / "broker") as broker:
        gateway = gateway_on(broker, folder / "gateway")
        gateway.start()
        try:
            gateway.wait_for("link_up")
            asyncio.run(publish(broker))
            asyncio.run(ends_with_everything(gateway))
        finally:
            gateway.close()
    history = gateway.alert_history()
    assert len({step[0] for step in history}) > 20, "there are alerts to compare"
    yield history


@pytest.mark.parametrize("shared", [True, False], ids=["disk of everything", "disk of the journal"])
async def test_the_journals_disk_is_full(
    shared: bool, mosquitto: Mosquitto, tmp_path: Path, calm: list[tuple[str, str, int, int, float]]
) -> None:
    gateway = gateway_on(mosquitto, tmp_path / "gateway")
    with small_disk(gateway.data if shared else tmp_path / "disk", 80) as disk:
        if not shared:
            gateway.data.mkdir()
            (gateway.data / "journal").symlink_to(disk.folder)
        try:
            gateway.start()
            await asyncio.to_thread(gateway.wait_for, "link_up")
            disk.leave(SPARE_BYTES + MIB // 2)
            await publish(mosquitto)
            assert "the disk is full" in await until_not_ready(gateway, "journal")
            await asyncio.to_thread(gateway.wait_for, "journal_refuses")
            async with asyncio.timeout(30):
                while health_alerts(gateway) != {"disk_full": "firing", "journal_refuses": "firing"}:
                    await asyncio.sleep(0.1)
                end = metric(gateway, "gateway_journal_end_position")
                while position(gateway) < end or metric(gateway, "gateway_store_position") < end:
                    await asyncio.sleep(0.1)  # what was acknowledged reaches ledger and store in the room left to them
            assert metric(gateway, "gateway_disk_full") == metric(gateway, "gateway_journal_refuses") == 1
            assert 0 < end < MESSAGES, "acknowledgements have stopped"

            disk.leave(0)
            await killed_and_started(gateway)
            assert "the disk is full" in await until_not_ready(gateway, "journal")
            assert metric(gateway, "gateway_journal_end_position") == end
            disk.clear()
            await ends_with_everything(gateway, "disk_full", "journal_refuses")
            assert gateway.alert_history() == calm
        finally:
            gateway.close()


async def test_the_ledgers_disk_is_full(
    mosquitto: Mosquitto, tmp_path: Path, calm: list[tuple[str, str, int, int, float]]
) -> None:
    store = tmp_path / "readings.duckdb"
    gateway = gateway_on(mosquitto, tmp_path / "gateway", store=store)
    with small_disk(gateway.data, 8) as disk:
        (tmp_path / "journal").mkdir()
        (gateway.data / "journal").symlink_to(tmp_path / "journal")
        try:
            gateway.start()
            await asyncio.to_thread(gateway.wait_for, "link_up")
            disk.leave(MIB // 4)
            await publish(mosquitto)
            assert "disk is full" in await until_not_ready(gateway, "ledger")
            await asyncio.to_thread(gateway.wait_for, "ledger_refuses")
            assert metric(gateway, "gateway_ledger_refuses") == 1
            end = metric(gateway, "gateway_journal_end_position")
            assert 0 < end < MESSAGES, "acknowledgements have stopped"
            disk.leave(0)
            await killed_and_started(gateway)
            await until_not_ready(gateway, "ledger")
            await asyncio.to_thread(gateway.stop)  # it can be stopped, though it has not even begun
            gateway.start()
            await until_not_ready(gateway, "ledger")
            disk.clear()
            await ends_with_everything(gateway, "ledger_refuses", store=store)
            assert gateway.alert_history() == calm
        finally:
            gateway.close()


async def test_the_stores_disk_is_full(
    mosquitto: Mosquitto, tmp_path: Path, calm: list[tuple[str, str, int, int, float]]
) -> None:
    with small_disk(tmp_path / "disk", 8) as disk:
        store = disk.folder / "readings.duckdb"
        gateway = gateway_on(mosquitto, tmp_path / "gateway", store=store)
        try:
            gateway.start()
            await asyncio.to_thread(gateway.wait_for, "link_up")
            disk.leave(MIB // 4)
            await publish(mosquitto)
            await until_not_ready(gateway, "store")
            async with asyncio.timeout(30):
                while position(gateway) < MESSAGES:
                    await asyncio.sleep(0.1)
            assert metric(gateway, "gateway_store_away") == 1
            assert metric(gateway, "gateway_store_position") < MESSAGES
            assert gateway.alert_history() == calm, "alerts do not wait for the store"
            disk.leave(0)
            await killed_and_started(gateway)
            await until_not_ready(gateway, "store")
            disk.clear()
            await ends_with_everything(gateway, store=store)
            assert gateway.alert_history() == calm
        finally:
            gateway.close()
