"""Subjects: what a finding is about, from the dense numbers of a detector to words that outlive a restart."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from detectors.readings.clocks import ClockVerdict
from detectors.records import Finding
from gateway.alerts.records import Alert, Family, Subject
from gateway.channels import ChannelKey, Channels
from gateway.inventory import Inventory
from gateway.loggers.regular import PERIODS

SILENCE = "silence"
"""Rule id of silence, of devices and of cameras."""
GAPS = {f"gap_{period}": period for period in PERIODS}
"""Rule id of missing data to the period of these."""
CLOCKS = {
    ClockVerdict.AHEAD: "clock_ahead",
    ClockVerdict.BEHIND: "clock_behind",
    ClockVerdict.NO_CLOCK: "no_clock",
    ClockVerdict.DRIFTING: "clock_drifting",
}
"""Verdict on a clock to its rule id."""
IDENTITY = "identity"
"""Rule id of messages that came by a device's topic or connection, or a camera's topic, and named another."""
LATE = ":late"
"""Behind the id of a limit: what readings that came late say of it. No id of the inventory has a colon."""
GATEWAY_SITE = "_gateway"
"""Stands for the site in alerts about the gateway itself."""


class Subjects:
    """The subject of each finding that the detectors can make, made once.

    | detector | rule | subject | becomes |
    |---|---|---|---|
    | `limit` | number in `inventory.limits` | channel | exceedance of that limit |
    | `late_limit` | the same | channel | exceedance of that limit in late data, rule: the limit's id and `:late` |
    | `silence` | any | device | data quality, rule `silence` |
    | `camera_silence` | any | camera | data quality, rule `silence` |
    | `identity` | any | device | data quality, rule `identity` |
    | `camera_identity` | any | camera | data quality, rule `identity` |
    | `gap` | any | series of `gateway.loggers.regular` | data quality, rule `gap_minute` or `gap_hour` |
    | `clock` | verdict | device | data quality, rule `clock_ahead`, `clock_behind`, `no_clock` or `clock_drifting` |
    | `motion` | zone of the camera | camera | security, rule: the zone's id |
    """

    def __init__(self, inventory: Inventory, channels: Channels) -> None:
        """`channels` has numbered the channels of the inventory's limits."""
        self._limits: list[Subject] = []
        self._limit_channels: list[int | None] = []
        for rule in inventory.limits:
            device = inventory.devices[rule.device]
            self._limits.append(
                Subject(
                    family=Family.EXCEEDANCE,
                    rule=rule.id,
                    site=inventory.sites[device.site].id,
                    kind="device",
                    id=device.id,
                    factor=rule.factor,
                    field=rule.field,
                    unit=next((factor.unit for factor in device.factors if factor.code == rule.factor), ""),
                    side=rule.side,
                )
            )
            self._limit_channels.append(channels.find(ChannelKey(rule.device, rule.factor, rule.field, rule.period)))
        self._late = [replace(subject, rule=subject.rule + LATE) for subject in self._limits]
        self._devices = [
            Subject(Family.DATA_QUALITY, SILENCE, inventory.sites[device.site].id, "device", device.id, unit="s")
            for device in inventory.devices
        ]
        self._clocks = {
            verdict: [
                Subject(Family.DATA_QUALITY, rule, inventory.sites[device.site].id, "device", device.id, unit="s")
                for device in inventory.devices
            ]
            for verdict, rule in CLOCKS.items()
        }
        self._series = [
            Subject(Family.DATA_QUALITY, rule, inventory.sites[device.site].id, "device", device.id, unit="s")
            for device in inventory.devices
            for rule in GAPS
        ]
        self._cameras = [
            Subject(Family.DATA_QUALITY, SILENCE, inventory.sites[camera.site].id, "camera", camera.id, unit="s")
            for camera in inventory.cameras
        ]
        self._identities = [replace(subject, rule=IDENTITY, unit="") for subject in self._devices]
        self._camera_identities = [replace(subject, rule=IDENTITY, unit="") for subject in self._cameras]
        self._zones = [
            [
                Subject(Family.SECURITY, zone.id, inventory.sites[camera.site].id, "camera", camera.id)
                for zone in camera.zones
            ]
            for camera in inventory.cameras
        ]

    def of(self, finding: Finding) -> Subject:
        """The subject of a finding; its numbers are those of the inventory and channels this was made with."""
        match finding.detector:
            case "limit" | "late_limit":
                assert self._limit_channels[finding.rule] == finding.subject, "the rule watches another channel"
                return (self._limits if finding.detector == "limit" else self._late)[finding.rule]
            case "silence":
                return self._devices[finding.subject]
            case "gap":
                return self._series[finding.subject]
            case "clock":
                return self._clocks[ClockVerdict(finding.rule)][finding.subject]
            case "identity":
                return self._identities[finding.subject]
            case "camera_identity":
                return self._camera_identities[finding.subject]
            case "camera_silence":
                return self._cameras[finding.subject]
            case "motion":
                return self._zones[finding.subject][finding.rule]
            case _:
                raise AssertionError(f"no such detector: {finding.detector}")


def limit_of(subject: Subject) -> str:
    """Id of the limit that an exceedance, of live or of late data, is of."""
    return subject.rule.removesuffix(LATE)


def health_subject(name: str, unit: str = "") -> Subject:
    """The subject of an alert about the gateway itself: `name` says what is judged (`journal_full`)."""
    return Subject(Family.GATEWAY_HEALTH, name, GATEWAY_SITE, "gateway", name, unit=unit)


def open_zones(alerts: Iterable[Alert], inventory: Inventory) -> dict[tuple[int, int], int]:
    """(camera, zone) to `since` of the security alerts among these: what the zone detector goes on from."""
    found: dict[tuple[int, int], int] = {}
    for alert in alerts:
        subject = alert.subject
        camera = inventory.camera_numbers.get((subject.site, subject.id))
        if subject.family is Family.SECURITY and camera is not None:
            zones = [zone.id for zone in inventory.cameras[camera].zones]
            if subject.rule in zones:
                found[camera, zones.index(subject.rule)] = alert.since
    return found


def open_silences(alerts: Iterable[Alert], inventory: Inventory) -> tuple[dict[int, int], dict[int, int]]:
    """Number to `since` of the devices and of the cameras whose silence is among these."""
    return _open(SILENCE, alerts, inventory)


def open_identities(alerts: Iterable[Alert], inventory: Inventory) -> tuple[dict[int, int], dict[int, int]]:
    """Number to `since` of the devices and of the cameras whose identity is in doubt among these."""
    return _open(IDENTITY, alerts, inventory)


def _open(rule: str, alerts: Iterable[Alert], inventory: Inventory) -> tuple[dict[int, int], dict[int, int]]:
    devices: dict[int, int] = {}
    cameras: dict[int, int] = {}
    for alert in alerts:
        subject = alert.subject
        if subject.family is Family.DATA_QUALITY and subject.rule == rule:
            of_device = subject.kind == "device"
            numbers, found = (inventory.device_numbers, devices) if of_device else (inventory.camera_numbers, cameras)
            number = numbers.get((subject.site, subject.id))
            if number is not None:
                found[number] = alert.since
    return devices, cameras


def open_gaps(alerts: Iterable[Alert], inventory: Inventory) -> dict[tuple[int, str], int]:
    """(device, period) to `since` of the missing data among these."""
    found: dict[tuple[int, str], int] = {}
    for alert in alerts:
        subject = alert.subject
        number = inventory.device_numbers.get((subject.site, subject.id))
        if subject.rule in GAPS and subject.kind == "device" and number is not None:
            found[number, GAPS[subject.rule]] = alert.since
    return found
