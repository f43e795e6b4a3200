"""A small plant that speaks every format, for tests of what goes wrong between it and the centre."""

from __future__ import annotations

import itertools
import json
import re
from datetime import datetime
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from played import device_messages, stream

from simulators.records import Happening, Message
from simulators.scenario import Scenario

START = 1_767_225_600_000
"""2026-01-01T00:00:00Z."""
ZONE = ZoneInfo("Asia/Shanghai")
GAS = ("a21026", "a21002", "a34013", "a19001", "a01012", "a01014", "a01011", "a00000")
WATER = ("w01018", "w21003", "w21011", "w21001", "w01001", "w01010", "w01014", "w00000")
UNITS = {
    "a19001": "%", "a01012": "C", "a01014": "%", "a01011": "m/s", "a00000": "m3/s", "w01001": "", "w01010": "C",
    "w01014": "uS/cm", "w00000": "L/s",
}  # fmt: skip


def named(key: str) -> dict[str, str]:
    return {"en": key, "zh": key}


def _type(kind: str, codes: tuple[str, ...], codec: str, limit: dict[str, Any], **simulate: Any) -> dict[str, Any]:
    unit = "mg/m3" if kind == "stack" else "mg/L"
    return {
        "kind": kind,
        "interval_s": 1.0,
        "silent_after_s": 8.0,
        "factors": [{"code": code, "unit": UNITS.get(code, unit), "name": named(code)} for code in codes],
        "limits": [{"period": "realtime", "hold_s": 3.0, **limit}],
        "simulate": {"codec": codec, **simulate},
    }


SO2 = {"factor": "a21026", "field": "ZsRtd", "above": [35.0, 70.0]}
TABLES: dict[str, Any] = {
    "about": "a plant that speaks every format",
    "sites": [{"id": "plant", "name": named("Plant"), "latitude": 33.0, "longitude": 112.5}],
    "types": {
        "frames": _type("stack", GAS, "hj212", SO2, minute=True),
        "objects": _type("stack", GAS, "json", SO2),
        "packs": _type("stack", GAS, "senml", SO2),
        "water": _type("wastewater", WATER, "json", {"factor": "w21003", "above": [5.0]}),
    },
    "devices": [
        {"id": "stack-1", "type": "frames", "mn": "010000A8900016F000169DC1"},
        {"id": "stack-2", "type": "frames", "mn": "010000A8900016F000169DC2"},
        {"id": "json-1", "type": "objects"},
        {"id": "pack-1", "type": "packs"},
        {"id": "water-1", "type": "water"},
    ],
    "cameras": [{"id": "yard", "simulate": {"scene": "gate"}}],
}


class Said(NamedTuple):
    """One message as a plain reader sees it."""

    due: int
    stamp: int
    values: dict[str, float]
    """`a21026` for Rtd, `a21026-ZsRtd` for others."""
    flags: dict[str, str]
    command: str


def scenario(*faults: dict[str, Any], incidents: tuple[dict[str, Any], ...] = (), **more: Any) -> Scenario:
    """The plant with these faults; `site` is given, they last from 20 to 40 s unless they say otherwise."""
    where = {"site": "plant"}
    lasting = {"start_s": 20.0, "duration_s": 20.0}
    return Scenario.model_validate(
        TABLES
        | {
            "devices": [{**where, "name": named(device["id"]), **device} for device in TABLES["devices"]],
            "cameras": [{**where, "name": named("yard"), **camera} for camera in TABLES["cameras"]],
            "incidents": [{**where, **lasting, **incident} for incident in incidents],
            "faults": [{**where, **lasting, **fault} for fault in faults],
        }
        | more
    )


def sent(plan: Scenario, device: str, seconds: float = 60.0, seed: int = 7) -> list[Message]:
    """What arrives of a device within that time."""
    (found,) = (each for each in plan.devices if each.id == device)
    messages = device_messages(plan, found, seed, START)
    return list(itertools.takewhile(lambda message: message.due < START + 1000 * seconds, messages))


def read(message: Message) -> Said:
    """A message of JSON or HJ 212, decoded without the help of anything of ours."""
    values: dict[str, float] = {}
    flags: dict[str, str] = {}
    if message.payload.startswith(b"##"):
        text = message.payload.decode()
        assert int(text[2:6]) == len(text) - 12
        found = re.search(r"CN=(\d+).*DataTime=(\d+);(.*)&&", text)
        assert found is not None
        for item in re.split("[,;]", found[3]):
            name, value = item.split("=")
            code, field = name.split("-")
            if field == "Flag":
                flags[code] = value
            else:
                values[code if field == "Rtd" else name] = float(value)
        stamp = datetime.strptime(found[2], "%Y%m%d%H%M%S").replace(tzinfo=ZONE)
        return Said(message.due, round(stamp.timestamp() * 1000), values, flags, found[1])
    content = json.loads(message.payload)
    for name, value in content["readings"].items():
        values[name] = value["value"] if isinstance(value, dict) else value
        flags[name.split("-")[0]] = value["flag"] if isinstance(value, dict) else "N"
    return Said(message.due, content["time"], values, flags, "2011")


def readings(plan: Scenario, device: str, seconds: float = 60.0, seed: int = 7) -> list[Said]:
    """The real-time messages of a device, read."""
    said = [read(message) for message in sent(plan, device, seconds, seed)]
    return [each for each in said if each.command == "2011"]


def second(said: Said) -> float:
    """When it arrived, since the start."""
    return (said.due - START) / 1000


def truth(plan: Scenario, seconds: float, seed: int = 7) -> list[dict[str, Any]]:
    """All lines of the truth of a run."""
    return [item.record for item in stream(plan, seed, START, seconds) if isinstance(item, Happening)]


def counts(plan: Scenario, target: str, seconds: float = 60.0, seed: int = 7) -> dict[str, Any]:
    """What the truth counts of a device or a camera at the end of a run."""
    lines = [line for line in truth(plan, seconds, seed) if line["kind"] == "counts"]
    (found,) = (line for line in lines if target in (line.get("device"), line.get("camera")))
    return found
