"""From the tables of the inventory to `Inventory`: everything joined, numbered and checked against each other.

All mistakes are found at once: an entry that is wrong in itself is left out and the rest is still held together.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast
from zoneinfo import ZoneInfo

from pydantic import ValidationError

from gateway.factors import FactorTable
from gateway.inventory import Camera, Device, Factor, Hj212Device, Inventory, LimitRule, Name, Site, Zone
from gateway.inventory_entries import (
    CameraEntry,
    DeviceEntry,
    FactorEntry,
    InventoryEntries,
    LimitEntry,
    NameEntry,
    SiteEntry,
    TypeEntry,
)
from gateway.mistakes import Mistake, Place, mistakes_of, near

SECTIONS = tuple(InventoryEntries.model_fields)
"""`sites`, `types`, `devices`, `cameras`."""

SILENT_INTERVALS = 3
SILENT_LEAST_S = 10.0

Raw = Mapping[str, Any]


def read_inventory(raw: Raw) -> tuple[Inventory | None, list[Mistake], InventoryEntries]:
    """The inventory of parsed TOML; None where there are mistakes. Also the entries that are right in themselves."""
    entries, places, mistakes = _entries(raw)
    mistakes += _references(raw)
    joiner = _Joiner(FactorTable.load(), entries.types)
    for name, entry in entries.types.items():
        joiner.check_type(name, entry)
    devices = [joiner.device(entry, place) for entry, place in zip(entries.devices, places["devices"], strict=True)]
    mistakes += joiner.mistakes
    if mistakes:
        return None, mistakes, entries
    return _numbered(entries, devices), [], entries


def _entries(raw: Raw) -> tuple[InventoryEntries, dict[str, list[int]], list[Mistake]]:
    """The entries that are right in themselves, their numbers in the file, and what is wrong with the others."""
    places = {key: list(range(len(raw[key]) if isinstance(raw.get(key), list) else 0)) for key in SECTIONS}
    try:
        return _validated(raw), places, []
    except ValidationError as error:
        mistakes = mistakes_of(error, InventoryEntries, raw)
        wrong = {tuple(details["loc"][:2]) for details in error.errors(include_url=False)}
    kept: dict[str, Any] = {}
    for key, value in raw.items():
        if (key,) in wrong:
            places[key] = []
        elif isinstance(value, list):
            places[key] = [number for number in places[key] if (key, number) not in wrong]
            kept[key] = [value[number] for number in places[key]]
        else:
            table = cast("dict[str, Any]", value)
            kept[key] = {name: entry for name, entry in table.items() if (key, name) not in wrong}
    return _validated(kept), places, mistakes


def _validated(raw: Raw) -> InventoryEntries:
    """Read as JSON, which has arrays and tables as TOML has them and nothing else, strictly: `"1"` is no number."""
    return InventoryEntries.model_validate_json(json.dumps(raw, default=as_table), strict=True)


def as_table(value: object) -> dict[str, str]:
    """A date or time of TOML for JSON. No key of ours is one, so it must not pass as text."""
    return {"time": str(value)}


def _references(raw: Raw) -> list[Mistake]:
    """Names that lead nowhere and names given twice, also of entries with other mistakes."""
    mistakes: list[Mistake] = []
    sites = _texts(raw, "sites", "id")
    mistakes += _repeats("sites", "id", [(number, site, site) for number, site in sites])
    known = {site for _, site in sites}
    for section in ("devices", "cameras"):
        site_of = dict(_texts(raw, section, "site"))
        ids = _texts(raw, section, "id")
        mistakes += _repeats(section, "id", [(n, (site_of.get(n), name), name) for n, name in ids], " at that site")
        mistakes += [
            Mistake((section, number, "site"), f"no site {site!r}{near(site, sorted(known))}")
            for number, site in site_of.items()
            if site not in known
        ]
    mistakes += _repeats("devices", "mn", [(number, mn, mn) for number, mn in _texts(raw, "devices", "mn")])
    mistakes += _carriers(raw)
    types = raw.get("types", {})
    if isinstance(types, dict):
        names = sorted(cast("dict[str, Any]", types))
        mistakes += [
            Mistake(("devices", number, "type"), f"no type {name!r}{near(name, names)}")
            for number, name in _texts(raw, "devices", "type")
            if name not in types
        ]
    return mistakes


def _carriers(raw: Raw) -> list[Mistake]:
    """Carriers that are no device of the same site, are the device itself, or are carried themselves."""
    site_of, carriers = dict(_texts(raw, "devices", "site")), dict(_texts(raw, "devices", "carrier"))
    numbers = {(site_of.get(number), name): number for number, name in _texts(raw, "devices", "id")}
    mistakes: list[Mistake] = []
    for number, carrier in carriers.items():
        place, found = ("devices", number, "carrier"), numbers.get((site_of.get(number), carrier))
        if found is None:
            near_by = [name for site, name in numbers if site == site_of.get(number)]
            mistakes.append(Mistake(place, f"no device {carrier!r} at that site{near(carrier, near_by)}"))
        elif found == number or found in carriers:
            what = "the device itself" if found == number else "carried by another"
            mistakes.append(Mistake(place, f"{carrier!r} is {what}: expected the device that has the connection"))
    return mistakes


def _texts(raw: Raw, section: str, key: str) -> list[tuple[int, str]]:
    """Number and value of every entry of an array of tables that has text under the key."""
    rows = raw.get(section, ())
    if not isinstance(rows, list):
        return []
    tables = [(number, cast("Raw", row)) for number, row in enumerate(cast("list[Any]", rows)) if isinstance(row, dict)]
    return [(number, row[key]) for number, row in tables if isinstance(row.get(key), str)]


def _repeats(section: str, key: str, rows: Iterable[tuple[int, object, str]], where: str = "") -> list[Mistake]:
    """A mistake for every entry (number, what must be unique, as written) that repeats an earlier one."""
    first: dict[object, int] = {}
    mistakes: list[Mistake] = []
    for number, unique, text in rows:
        if (before := first.setdefault(unique, number)) != number:
            mistakes.append(Mistake((section, number, key), f"{text!r} is the {key} of {section}.{before} too{where}"))
    return mistakes


@dataclass(frozen=True, slots=True)
class _Joined:
    """A device with what its type gives it."""

    entry: DeviceEntry
    kind: str
    interval: float
    silent_after: float
    factors: tuple[Factor, ...]
    limits: tuple[LimitEntry, ...]
    hj212: Hj212Device


class _Joiner:
    """Joins devices with their types. What a type gives is made and checked once, not once for every device."""

    def __init__(self, table: FactorTable, types: Mapping[str, TypeEntry]) -> None:
        self.mistakes: list[Mistake] = []
        self._table = table
        self._types = types
        self._type_factors: dict[str, tuple[Factor, ...]] = {}

    def check_type(self, name: str, entry: TypeEntry) -> None:
        """Make a type's factors and check its limits against them."""
        place: Place = ("types", name)
        factors = self._type_factors[name] = self._factors(entry.factors or (), place)
        if entry.factors is not None:
            self._check_limits(entry.limits or (), factors, place)

    def device(self, entry: DeviceEntry, number: int) -> _Joined | None:
        """The device, or None where it has mistakes of its own or its type is one that is not there or wrong."""
        place: Place = ("devices", number)
        if entry.type is not None and entry.type not in self._types:
            return None
        shared = self._types[entry.type] if entry.type is not None else TypeEntry()
        kind = entry.kind or shared.kind
        interval = entry.interval_s or shared.interval_s
        of_type = "" if entry.type is None else f", here and in types.{entry.type}"
        for key, value in (("kind", kind), ("interval_s", interval)):
            if value is None:
                self.mistakes.append(Mistake((*place, key), f"is missing{of_type}"))
        if entry.factors is not None:
            factors = self._factors(entry.factors, place)
        else:
            factors = self._type_factors[entry.type] if entry.type is not None else ()
        limits = entry.limits if entry.limits is not None else (shared.limits or ())
        if entry.limits is not None:
            self._check_limits(limits, factors, place)
        elif entry.factors is not None or shared.factors is None:
            self._check_inherited(limits, factors, place, f"types.{entry.type}")
        if kind is None or interval is None:
            return None
        silent = entry.silent_after_s or shared.silent_after_s or max(SILENT_INTERVALS * interval, SILENT_LEAST_S)
        hj212 = entry.hj212 or shared.hj212
        return _Joined(entry, kind, interval, silent, factors, limits, hj212.settings if hj212 else Hj212Device())

    def _factors(self, entries: Sequence[FactorEntry], place: Place) -> tuple[Factor, ...]:
        made: dict[str, Factor] = {}
        for number, entry in enumerate(entries):
            here = (*place, "factors", number)
            known = self._table.get(entry.code)
            if entry.code in made:
                self.mistakes.append(Mistake((*here, "code"), f"{entry.code!r} stands in these factors twice"))
            unit = entry.unit or (known.unit if known else "")
            if not unit:
                text = f"is missing: {entry.code!r} has no unit in the table of HJ 212 factors"
                self.mistakes.append(Mistake((*here, "unit"), text))
            default = known.name if known else Name(entry.code, entry.code)
            kelvin = None if entry.reference_c is None else entry.reference_c + 273.15
            made[entry.code] = Factor(entry.code, unit, entry.name.name if entry.name else default, kelvin)
        return tuple(made.values())

    def _check_limits(self, limits: Sequence[LimitEntry], factors: Sequence[Factor], place: Place) -> None:
        units = {factor.code: factor.unit for factor in factors}
        first: dict[str, int] = {}
        for number, limit in enumerate(limits):
            here = (*place, "limits", number)
            unit = units.get(limit.factor)
            if unit is None:
                text = f"{limit.factor!r} is not among the factors{near(limit.factor, list(units))}"
                self.mistakes.append(Mistake((*here, "factor"), text))
            elif limit.unit is not None and limit.unit != unit:
                text = f"expected {unit!r}, the unit of {limit.factor!r}, not {limit.unit!r}"
                self.mistakes.append(Mistake((*here, "unit"), text))
            if (before := first.setdefault(_rule_name(limit), number)) != number:
                text = f"{_rule_name(limit)!r} is the id of limits.{before} too: give one of them an id of its own"
                self.mistakes.append(Mistake((*here, "id"), text))

    def _check_inherited(
        self, limits: Sequence[LimitEntry], factors: Sequence[Factor], place: Place, owner: str
    ) -> None:
        """Limits of the type against factors of the device's own: what is wrong is wrong at the device."""
        units = {factor.code: factor.unit for factor in factors}
        for number, limit in enumerate(limits):
            unit = units.get(limit.factor)
            if unit is None:
                text = f"{limit.factor!r} is missing, on which {owner}.limits.{number} sets a limit"
                self.mistakes.append(Mistake((*place, "factors"), text))
            elif limit.unit is not None and limit.unit != unit:
                text = f"{limit.factor!r} is in {unit!r}, but {owner}.limits.{number} in {limit.unit!r}"
                self.mistakes.append(Mistake((*place, "factors"), text))


def _numbered(entries: InventoryEntries, joined: Sequence[_Joined | None]) -> Inventory:
    """Everything as records with dense numbers; called when there are no mistakes."""
    site_numbers = {site.id: number for number, site in enumerate(entries.sites)}
    devices: list[Device] = []
    limits: list[LimitRule] = []
    for number, each in enumerate(joined):
        assert each is not None
        entry = each.entry
        devices.append(
            Device(
                id=entry.id,
                site=site_numbers[entry.site],
                name=_name(entry.name, entry.id),
                mn=entry.mn or "",
                kind=each.kind,
                interval=_ms(each.interval),
                silent_after=_ms(each.silent_after),
                factors=each.factors,
                hj212=each.hj212,
                carrier=entry.carrier or "",
            )
        )
        limits += [_rule(limit, number, entry) for limit in each.limits]
    cameras = tuple(_camera(entry, site_numbers[entry.site]) for entry in entries.cameras)
    return Inventory(tuple(map(_site, entries.sites)), tuple(devices), cameras, tuple(limits))


def _site(entry: SiteEntry) -> Site:
    return Site(entry.id, _name(entry.name, entry.id), entry.latitude, entry.longitude, ZoneInfo(entry.timezone))


def _rule(limit: LimitEntry, device: int, entry: DeviceEntry) -> LimitRule:
    return LimitRule(
        id=f"{entry.site}/{entry.id}/{_rule_name(limit)}",
        device=device,
        factor=limit.factor,
        field=limit.field,
        period=limit.period,
        side=limit.side,
        levels=limit.levels,
        hold=_ms(limit.hold_s),
        band=limit.band,
    )


def _rule_name(limit: LimitEntry) -> str:
    """The rule's name within its device; the period is left out where HJ 212 has the field in that period only."""
    if limit.id is not None:
        return limit.id
    period = "" if limit.field.endswith("Rtd") and limit.period == "realtime" else f"-{limit.period}"
    return f"{limit.factor}-{limit.field}{period}/{limit.side}"


def _camera(entry: CameraEntry, site: int) -> Camera:
    zones = tuple(
        Zone(
            id=zone.id,
            name=_name(zone.name, zone.id),
            polygon=zone.polygon,
            share=zone.share,
            hold=_ms(zone.hold_s),
            quiet=_ms(zone.quiet_s),
        )
        for zone in entry.zones
    )
    return Camera(entry.id, site, _name(entry.name, entry.id), zones, _ms(entry.silent_after_s))


def _name(entry: NameEntry | None, default: str) -> Name:
    return entry.name if entry else Name(default, default)


def _ms(seconds: float) -> int:
    return round(seconds * 1000)
