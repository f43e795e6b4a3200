"""A disk that is full: nothing more is acknowledged, the reason is loud, nothing is damaged, and it mends by itself.

On a small file system of its own, which only root may mount.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import fault_city as city
import pytest
from fault_runs import MESSAGES, publish, settled
from gateway_process import GatewayProcess
from servers import Mosquitto

from gateway.alerts.ledger import Ledger
from gateway.journal.verify import verify

SIZE_MIB = 48
ROOM = 900_000
"""Bytes left when the load begins: less than the journal of it takes."""


@pytest.fixture
def mount() -> Iterator[Callable[[Path], None]]:
    """Makes a folder a small file system of its own."""
    mounted: list[Path] = []

    def small(folder: Path) -> None:
        if os.geteuid() != 0:
            pytest.skip("only root may mount a small file system")
        folder.mkdir(parents=True)
        options = ("-t", "tmpfs", "-o", f"size={SIZE_MIB}m", "tmpfs", str(folder))
        done = subprocess.run(["mount", *options], capture_output=True, check=False)
        if done.returncode:
            pytest.skip(f"a small file system cannot be mounted here: {done.stderr.decode().strip()}")
        mounted.append(folder)

    yield small
    for folder in mounted:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def fill(folder: Path) -> Path:
    """Take all of the disk but `ROOM` bytes."""
    filler = folder / "filler"
    free = os.statvfs(folder)
    with filler.open("wb") as file:
        left = free.f_bavail * free.f_frsize - ROOM
        while left > 0:
            left -= file.write(bytes(min(left, 1 << 20)))
    return filler


@pytest.mark.timeout(150)
@pytest.mark.parametrize("killed", [False, True], ids=["goes on by itself", "killed while it was full"])
@pytest.mark.parametrize("full", ["data/journal", "data"], ids=["the journal's disk", "everything's disk"])
async def test_the_disk_is_full_for_a_while(
    mosquitto: Mosquitto, tmp_path: Path, mount: Callable[[Path], None], killed: bool, full: str
) -> None:
    folder = tmp_path / "gateway"
    mount(folder / full)
    who = "journal"  # it leaves room for ledger and store, so it refuses first
    gateway = GatewayProcess(folder, city.config(city.link(mosquitto.url)), city.inventory())
    gateway.start()
    try:
        await asyncio.to_thread(gateway.wait_for, "link_up")
        filler = fill(folder / full)
        await publish(mosquitto)  # the broker has a disk of its own
        await asyncio.to_thread(gateway.wait_for, f"{who}_refuses")
        assert "disk is full" in gateway.log()
        await asyncio.sleep(3)
        assert gateway.running, "a full disk ends nothing"
        if killed:
            await asyncio.to_thread(gateway.kill9)
            report = verify(gateway.data / "journal")
            assert report.sound, report
            assert report.messages < MESSAGES
        filler.unlink()
        if killed:
            gateway.log_file.unlink()
            gateway.start()
            await asyncio.to_thread(gateway.wait_for, "link_up")
        else:
            await asyncio.to_thread(gateway.wait_for, f"{who}_writes_again")
        await settled(gateway)
        await asyncio.to_thread(gateway.stop)
        assert verify(gateway.data / "journal").sound
        messages = list(city.messages(MESSAGES))
        truth = city.points_of([payload for _, payload in messages], [topic for topic, _ in messages])
        assert gateway.points() == sorted(truth)
        with Ledger.reader(gateway.data / "state.sqlite") as ledger:
            rules = {alert.subject.rule for alert in ledger.alerts(limit=1000)}
        assert who == "ledger" or killed or "journal_refuses" in rules, "and it stays in the audit trail"
    finally:
        gateway.close()
