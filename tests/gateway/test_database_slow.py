"""A slow database: each write waits in a proxy before a real InfluxDB. Ingest and alerts do not wait for it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import fault_city as city
import pytest
from fault_runs import influx_points
from gateway_process import GatewayProcess
from servers import Influxd, Mosquitto, free_port

from gateway.alerts.ledger import Ledger
from simulators.fast_publisher import publish_all

MESSAGES = 4_000
ROWS = len(city.FACTORS) * MESSAGES
BATCH_ROWS = 1_000


class SlowDatabase:
    """A proxy: each write waits for its turn before it is passed on, and answers may get lost."""

    def __init__(self, behind: int) -> None:
        self._behind = behind
        self._turns = asyncio.Semaphore(0)
        self.writes = 0
        """Writes that came, each try counted."""
        self.answers_lost = 0
        """So many answers are still to be thrown away: the database has taken the write, the gateway cannot know."""

    def let_through(self, writes: int) -> None:
        for _ in range(writes):
            self._turns.release()

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[int]:
        """Its port."""
        server = await asyncio.start_server(self._serve, "127.0.0.1", free_port())
        async with server:
            yield server.sockets[0].getsockname()[1]

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection("127.0.0.1", self._behind)
        answering = asyncio.create_task(self._answer(there, writer))
        with suppress(OSError):
            while data := await reader.read(1 << 16):
                if data.startswith(b"POST /write"):
                    self.writes += 1
                    await self._turns.acquire()
                back.write(data)
                await back.drain()
        back.close()
        await answering

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await reader.read(1 << 16):
                if self.answers_lost and data.startswith(b"HTTP/1.1 204"):
                    self.answers_lost -= 1
                    break
                writer.write(data)
        writer.close()


@pytest.mark.parametrize("answers_lost", [0, 3], ids=["slow", "slow, and answers get lost"])
async def test_alerts_do_not_wait_for_a_slow_database_and_all_is_stored_once(
    answers_lost: int, mosquitto: Mosquitto, influxd: Influxd, tmp_path: Path
) -> None:
    slow = SlowDatabase(influxd.port)
    async with slow.listening() as port:
        store = (
            f'[store]\nkind = "influxdb1"\nurl = "http://127.0.0.1:{port}"\ndatabase = "pollution"\ntimeout_s = 90.0'
        )
        config = city.config(city.link(mosquitto.url), store).replace(
            "[writer]", f"[writer]\nbatch_rows = {BATCH_ROWS}"
        )
        gateway = GatewayProcess(tmp_path / "gateway", config, city.inventory())
        gateway.start()
        try:
            await asyncio.to_thread(gateway.wait_for, "link_up")
            slow.let_through(3)
            await publish_all(mosquitto.host, mosquitto.port, city.messages(MESSAGES), qos=1)
            async with asyncio.timeout(60):
                while position(gateway) < MESSAGES or slow.writes < 4:
                    await asyncio.sleep(0.05)
            alerts = gateway.alert_history()
            stored = influx_points(influxd)
            assert len({step[0] for step in alerts}) > 20, "alerts do not wait for the database"
            assert 0 < len(stored) <= 3 * BATCH_ROWS < ROWS, "which has taken three writes and no more"
            slow.answers_lost = answers_lost
            slow.let_through(10 * ROWS // BATCH_ROWS)
            async with asyncio.timeout(90):
                while len(influx_points(influxd)) < ROWS:
                    await asyncio.sleep(0.1)
            await asyncio.to_thread(gateway.stop)
        finally:
            gateway.close()
    assert slow.answers_lost == 0
    sent = list(city.messages(MESSAGES))
    truth = city.points_of([payload for _, payload in sent], [topic for topic, _ in sent])
    assert sorted(influx_points(influxd)) == sorted(truth)
    assert gateway.alert_history() == alerts


def position(gateway: GatewayProcess) -> int:
    with Ledger.reader(gateway.data / "state.sqlite") as ledger:
        return ledger.position()
