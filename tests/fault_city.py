"""The city under load of the fault runs: what is sent, what must be in the store, and the gateway that takes it."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta

from tcp_logger import FLAGS, upload

START = 1_767_225_600_000
"""08:00 in China."""
_LOCAL = datetime(2026, 1, 1, 8, tzinfo=UTC)
FACTORS = ("a21026", "a21002", "a34013", "a19001", "a01012")
EDITIONS = ("2005", "2017", "2025")
Point = tuple[str, str, int, float]
"""Device, factor, ms UTC, value."""

MQTT_DEVICES = 50
LOGGERS = 10
LOGGER_SECONDS = 300


def value(device: int, second: int, factor: int) -> float:
    """Slow waves, each device in its own phase, whose tops are exceedances of a few seconds."""
    return round(50 + 49 * math.sin(second / 9 + device + factor * 2), 2)


def messages(count: int) -> Iterator[tuple[str, bytes]]:
    """JSON messages in rounds: every device once a second."""
    for n in range(count):
        second, device = divmod(n, MQTT_DEVICES)
        readings = {code: value(device, second, k) for k, code in enumerate(FACTORS)}
        body = {"v": 1, "time": START + 1000 * second, "readings": readings}
        yield f"pollution/plant/d{device}/data", json.dumps(body).encode()


def points_of(sent: Sequence[bytes | str], topics: Sequence[str]) -> set[Point]:
    """What JSON messages say, each reading once."""
    found: set[Point] = set()
    for topic, payload in zip(topics, sent, strict=True):
        message = json.loads(payload)
        device = topic.split("/")[2]
        found.update((device, code, message["time"], number) for code, number in message["readings"].items())
    return found


def frames(device: int) -> dict[str, bytes]:
    """QN to frame of all that one logger has to send, one for each second."""
    edition = EDITIONS[device % 3]
    code = "02" if edition == "2005" else "a21026"
    found: dict[str, bytes] = {}
    for second in range(LOGGER_SECONDS):
        stamp = f"{_LOCAL + timedelta(seconds=second):%Y%m%d%H%M%S}"
        cp = f"DataTime={stamp};{code}-Rtd={value(device, second, 0):.2f},{code}-Flag=N"
        found[f"{stamp}000"] = upload(f"MN{device}", f"{stamp}000", cp, flag=FLAGS[edition])
    return found


def logger_points() -> set[Point]:
    """What the loggers say in all."""
    return {
        (f"d{device}", "a21026", START + 1000 * second, value(device, second, 0))
        for device in range(LOGGERS)
        for second in range(LOGGER_SECONDS)
    }


def inventory() -> str:
    """The devices of both loads; the first of them also are the loggers."""
    factors = ", ".join(f'{{ code = "{code}", unit = "mg/m3" }}' for code in FACTORS)
    head = f"""
[[sites]]
id = "plant"
name = {{ en = "Plant", zh = "电厂" }}
latitude = 32.99
longitude = 112.53

[types.stack]
kind = "stack"
interval_s = 1
silent_after_s = 86400
factors = [{factors}]
limits = [{{ factor = "a21026", above = [80.0, 95.0], hold_s = 3, band = 0.1 }}]
"""
    return head + "".join(
        f'\n[[devices]]\nid = "d{n}"\nsite = "plant"\ntype = "stack"\nmn = "MN{n}"\n'
        f'name = {{ en = "Stack {n}", zh = "{n}号烟囱" }}\nhj212 = {{ edition = "{EDITIONS[n % 3]}" }}\n'
        for n in range(MQTT_DEVICES)
    )


def config(source: str, store: str = '[store]\nkind = "duckdb"') -> str:
    """A gateway with one source of messages and without a page."""
    return f"""
{source}

{store}

[writer]
linger_ms = 100
backoff_max_s = 1

[publish]
enabled = false

[api]
enabled = false
"""


def link(url: str, protocol: str = "mqtt5") -> str:
    return f"""
[[links]]
name = "city"
url = "{url}"
protocol = "{protocol}"
client_id = "gw"
backoff_max_s = 0.5
subscribe = [{{ topic = "pollution/{{site}}/{{device}}/data", codec = "json" }}]
"""


def listener(port: int) -> str:
    return f"""
[[listeners]]
name = "tcp"
port = {port}
password_required = false
"""
