"""Which format a device speaks, as its settings say."""

from __future__ import annotations

from simulators.formats import hj212, json_v1, senml
from simulators.formats.seam import Format
from simulators.processes import PROCESSES
from simulators.scenario import Scenario
from simulators.settings import Device


def format_of(scenario: Scenario, device: Device) -> Format:
    """What writes for a device, as its settings say."""
    settings = scenario.resolve(device)
    simulate = settings.simulate
    zone = scenario.site(device.site).zone
    match simulate.codec:
        case "json":
            return json_v1.Writer(zone if simulate.time == "iso" else None)
        case "senml":
            return senml.Writer(device.id, {factor.code: factor.unit for factor in settings.factors})
        case "hj212":
            return hj212_writer(scenario, device)


def hj212_writer(scenario: Scenario, device: Device) -> hj212.Writer:
    """What writes for a device that speaks HJ 212."""
    simulate = scenario.resolve(device).simulate
    return hj212.Writer(
        PROCESSES[scenario.kind(device)].SYSTEM_TYPE,
        device.mn or "",
        scenario.site(device.site).zone,
        edition=simulate.edition,
        password=simulate.password,
        wants_reply=simulate.wants_reply,
        key=bytes.fromhex(simulate.sm4_key) if simulate.sm4_key else None,
    )
