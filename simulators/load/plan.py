"""Load: a fleet of any size that sends JSON as fast as it is taken, for benchmarks.

Each message has an identity of its own (device and time), so a receiver can tell whether all arrived, and once.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Final

import numpy as np

SITE: Final = "load"
FACTORS: Final = (
    # code, unit, English, Chinese, mean, relative spread
    ("a21026", "mg/m3", "SO2", "二氧化硫", 18.0, 0.10),
    ("a21002", "mg/m3", "NOx", "氮氧化物", 32.0, 0.08),
    ("a34013", "mg/m3", "Particulate matter", "颗粒物", 4.0, 0.10),
    ("a19001", "%", "Oxygen", "氧含量", 6.0, 0.03),
    ("a01012", "C", "Flue gas temperature", "烟气温度", 52.0, 0.02),
)
IDENTITY: Final = (("seq", "1", "Sequence", "序号"), ("sent", "ms", "Send time", "发送时间"))
"""What tells one message from another: see `simulators.load.stamped`."""
LIMITS: Final = {"a21026": 35.0, "a21002": 50.0, "a34013": 10.0}
"""Values stay under these: a run of the load alone raises no exceedance."""
ROWS: Final = 4_096
"""Rows of random values drawn at a time."""


def device_name(number: int) -> str:
    """`dev-00042`, counted from 0."""
    return f"dev-{number:05d}"


def mn(number: int) -> str:
    """The MN of a device, 24 digits."""
    return f"{number:024d}"


def topic(number: int) -> str:
    """The topic of a device's data."""
    return f"pollution/{SITE}/{device_name(number)}/data"


def json_messages(
    devices: int, count: int | None, seed: int, start_ms: int, interval_ms: int = 1000
) -> Iterator[tuple[str, bytes]]:
    """(topic, payload) of `count` messages (endless if None) with 5 values each, about 200 bytes.

    Devices take turns; message k is of device `k % devices` at `start_ms + k // devices * interval_ms`.
    """
    rng = np.random.default_rng(seed)
    topics = [topic(number) for number in range(devices)]
    means = np.array([mean for *_, mean, _ in FACTORS])
    spreads = means * np.array([spread for *_, spread in FACTORS])
    one = ",".join(f'"{code}":{{"value":%.2f,"flag":"N"}}' for code, *_ in FACTORS)
    form = f'{{"v":1,"time":%d,"readings":{{{one}}}}}'
    numbers = itertools.count() if count is None else iter(range(count))
    while part := list(itertools.islice(numbers, ROWS)):
        noise = np.clip(rng.standard_normal((len(part), len(FACTORS))), -3, 3)
        rows: list[list[float]] = (means + spreads * noise).tolist()
        for k, values in zip(part, rows, strict=True):
            text = form % (start_ms + k // devices * interval_ms, *values)
            yield topics[k % devices], text.encode()


def inventory(devices: int, *, interval_s: float = 1.0, silent_after_s: float = 3600.0) -> str:
    """The gateway's inventory of `devices` devices of the load, with limits on, as TOML."""
    factors = ", ".join(
        f'{{ code = "{code}", unit = "{unit}", name = {{ en = "{en}", zh = "{zh}" }} }}'
        for code, unit, en, zh, *_ in (*FACTORS, *IDENTITY)
    )
    limits = ", ".join(
        f'{{ factor = "{code}", above = [{limit}, {2 * limit}], hold_s = 5.0, band = 0.05 }}'
        for code, limit in LIMITS.items()
    )
    head = f"""[[sites]]
id = "{SITE}"
name = {{ en = "Load", zh = "负载" }}
latitude = 32.99
longitude = 112.53
timezone = "Asia/Shanghai"

[types.load]
kind = "stack"
interval_s = {interval_s}
silent_after_s = {silent_after_s}
factors = [{factors}]
limits = [{limits}]
"""
    names = (device_name(number) for number in range(devices))
    blocks = (
        f'\n[[devices]]\nid = "{name}"\nsite = "{SITE}"\ntype = "load"\nmn = "{mn(number)}"\n'
        f'name = {{ en = "{name}", zh = "{name}" }}\n'
        for number, name in enumerate(names)
    )
    return head + "".join(blocks)
