"""Late data through the whole service: a day's back-fill makes its alert once, whatever is killed or sent again."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from gateway_process import GatewayProcess
from servers import Mosquitto

from gateway.alerts.ledger import Ledger
from gateway.alerts.records import Alert, State
from gateway.clock import now_ms
from simulators.fast_publisher import publish_all

MIN = 60_000
DAY = 1_440 * MIN
OVER = range(300, 900)
"""Minutes of the back-fill whose values are over the limit."""
LIVE = "plant/d0/so2"
LATE = LIVE + ":late"
TOPIC = "pollution/plant/d0/data"
INVENTORY = """
[[sites]]
id = "plant"
name = { en = "Plant", zh = "电厂" }
latitude = 32.99
longitude = 112.53

[[devices]]
id = "d0"
site = "plant"
name = { en = "Stack 0", zh = "0号烟囱" }
kind = "stack"
interval_s = 60
silent_after_s = 86400
factors = [{ code = "a21026", unit = "mg/m3" }]
limits = [{ id = "so2", factor = "a21026", above = [35.0], hold_s = 300, band = 0.1 }]
"""


def config(broker: Mosquitto) -> str:
    return f"""
[[links]]
name = "city"
url = "{broker.url}"
client_id = "gw"
backoff_max_s = 0.5
subscribe = [{{ topic = "pollution/{{site}}/{{device}}/data", codec = "json" }}]

[writer]
linger_ms = 50

[publish]
enabled = false

[api]
enabled = false
"""


Message = tuple[str, bytes]


def message(time: int, value: float) -> Message:
    return TOPIC, json.dumps({"v": 1, "time": time, "readings": {"a21026": value}}).encode()


def back_fill(begin: int) -> list[Message]:
    return [message(begin + minute * MIN, 50.0 if minute in OVER else 10.0) for minute in range(1_440)]


def exceedances(gateway: GatewayProcess) -> list[Alert]:
    with Ledger.reader(gateway.data / "state.sqlite") as ledger:
        return [a for a in ledger.alerts(include_withdrawn=True) if a.subject.family == "exceedance"]


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not await asyncio.to_thread(condition):
            await asyncio.sleep(0.05)


async def publish(broker: Mosquitto, messages: Sequence[Message], rate: int = 3_000) -> None:
    report = await publish_all(broker.host, broker.port, messages, qos=1, rate=rate)
    assert report.acked == len(messages)


@pytest.mark.timeout(120)
async def test_a_days_back_fill_after_live_data_makes_its_alert_once(mosquitto: Mosquitto, tmp_path: Path) -> None:
    now = now_ms() // MIN * MIN
    yesterday = now - 2 * DAY
    day = back_fill(yesterday)
    gateway = GatewayProcess(tmp_path / "gateway", config(mosquitto), INVENTORY)

    def states(rule: str) -> list[State]:
        return [alert.state for alert in exceedances(gateway) if alert.subject.rule == rule]

    async def kill_and_start() -> None:
        await asyncio.to_thread(gateway.kill9)
        gateway.log_file.unlink()
        gateway.start()
        await asyncio.to_thread(gateway.wait_for, "link_up")

    gateway.start()
    try:
        await asyncio.to_thread(gateway.wait_for, "link_up")
        await publish(mosquitto, [message(now - MIN, 10.0)])
        await publish(mosquitto, day[:600])
        await until(lambda: states(LATE) == [State.FIRING])

        # Killed in the middle of the exceedance, while a part comes again and the rest for the first time.
        publishing = asyncio.create_task(publish(mosquitto, [*day[400:], message(now, 10.0)], rate=500))
        await kill_and_start()
        await publishing
        await until(lambda: states(LATE) == [State.RESOLVED])
        (alert,) = exceedances(gateway)
        assert (alert.since, alert.fired, alert.resolved, alert.repeat) == (
            yesterday + OVER.start * MIN,
            yesterday + (OVER.start + 5) * MIN,
            yesterday + OVER.stop * MIN,
            0,
        )
        assert "in late data: over its limit of 35 mg/m3" in alert.text_en
        history = gateway.alert_history()
        assert [(step, at) for _, step, at, _, _ in history] == [("fired", alert.fired), ("resolved", alert.resolved)]

        # The same day twice more, and the gateway killed between.
        publishing = asyncio.create_task(publish(mosquitto, day, rate=1_000))
        await kill_and_start()
        await publishing
        await publish(mosquitto, [*day, message(now + 1, 50.0)])
        await until(lambda: states(LIVE) == [State.PENDING])  # what came last is handled, so all of it is
        await asyncio.to_thread(gateway.stop)
    finally:
        gateway.close()
    assert [step for step in gateway.alert_history() if step[0] == alert.id] == history
    assert len(exceedances(gateway)) == 2, "one in the late data, and the live limit is judged as ever"
    assert len(gateway.points()) == 1_440 + 3, "stored once"
