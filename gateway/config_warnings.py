"""What a configuration may say and probably does not mean. `gateway check` prints these; nothing stops for them."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from pathlib import Path
from typing import cast
from urllib.parse import urlsplit

from pydantic import BaseModel

from gateway.config import Broker, Config, Influx, Influx1
from gateway.factors import FactorTable
from gateway.inventory_entries import InventoryEntries, TypeEntry
from gateway.inventory_file import SILENT_INTERVALS, SILENT_LEAST_S
from gateway.mistakes import Mistake, Place

DOUBTFUL_UNIT = "ng/m3"
"""The standard's unit for particulates and some metals, in which next to no logger sends (HJ 212 field practice)."""


def config_warnings(config: Config) -> list[Mistake]:
    """Doubts about the settings."""
    found: list[Mistake] = []
    if config.api.enabled and not _is_loopback(config.api.host):
        text = (
            f"{config.api.host} is reached from other machines, and there is no login: put a proxy that asks before it"
        )
        found.append(Mistake(("api", "host"), text))
    for number, link in enumerate(config.links):
        place: Place = ("links", number)
        found += _broker(link, place)
        if link.qos == 0:
            found.append(Mistake((*place, "qos"), "0 loses what is sent while the gateway or the broker is away"))
    used = {each.mapping for link in config.links for each in link.subscribe}
    found += [
        Mistake(("mappings", number, "name"), f"no subscription reads by {mapping.name!r}")
        for number, mapping in enumerate(config.mappings)
        if mapping.name not in used
    ]
    for number, listener in enumerate(config.listeners):
        if not _is_loopback(listener.host):
            text = f"{listener.host} is reached from other machines, and HJ 212 sends passwords in the clear"
            found.append(Mistake(("listeners", number, "host"), f"{text}: only within a closed network"))
        if not listener.password_required:
            text = "false lets in whoever knows an MN that has no password in hj212.keys_file"
            found.append(Mistake(("listeners", number, "password_required"), text))
    if config.publish.broker is not None:
        found += _broker(config.publish.broker, ("publish", "broker"))
    store = config.store
    if (
        isinstance(store, Influx | Influx1)
        and store.url.startswith("http:")
        and not _is_loopback(urlsplit(store.url).hostname or "")
    ):
        found.append(Mistake(("store", "url"), "token or password, and readings, go in the clear: use https"))
    if isinstance(store, Influx) and store.token_file is None and not store.token_env:
        found.append(Mistake(("store",), "no token_file or token_env: InfluxDB 2 and 3 refuse writes without a token"))
    found += [Mistake(place, f"{path} is not there (yet)") for place, path in _files(config, ()) if not path.is_file()]
    return found


def inventory_warnings(entries: InventoryEntries) -> list[Mistake]:
    """Doubts about the inventory."""
    found: list[Mistake] = []
    if not entries.devices and not entries.cameras:
        found.append(
            Mistake(
                ("devices",),
                "neither devices nor cameras: unless decode.unknown_devices is accept, all is dead letters",
            )
        )
    table = FactorTable.load()
    speak_hj212 = {device.type for device in entries.devices if device.mn}
    owners: list[tuple[Place, TypeEntry, bool]] = [
        *((("types", name), entry, name in speak_hj212) for name, entry in entries.types.items()),
        *((("devices", number), entry, bool(entry.mn)) for number, entry in enumerate(entries.devices)),
    ]
    for place, entry, hj212 in owners:
        for number, factor in enumerate(entry.factors or ()):
            known = table.get(factor.code)
            if known and factor.unit is None and known.unit == DOUBTFUL_UNIT:
                text = f"{factor.code} ({known.name.en}) is in {known.unit} by the standard, but hardly ever sent so"
                found.append(Mistake((*place, "factors", number), f"{text}: give the unit that is sent"))
        for number, limit in enumerate(entry.limits or ()):
            if hj212 and limit.field.endswith("Rtd") != (limit.period == "realtime"):
                text = f"HJ 212 sends no {limit.field} in {limit.period} data: the limit will never be judged"
                found.append(Mistake((*place, "limits", number), text))
    return found + list(_silences(entries))


def _silences(entries: InventoryEntries) -> Iterator[Mistake]:
    """Times after which a device is silent that a single lost message would reach."""
    for number, device in enumerate(entries.devices):
        shared = entries.types.get(device.type or "")
        interval = device.interval_s or (shared and shared.interval_s)
        silent = device.silent_after_s or (shared and shared.silent_after_s)
        own = device.interval_s is not None or device.silent_after_s is not None
        if interval and silent and own and silent < 2 * interval:
            yield Mistake(("devices", number, "silent_after_s"), _silence(silent, interval))
    for name, entry in entries.types.items():
        if entry.interval_s and entry.silent_after_s and entry.silent_after_s < 2 * entry.interval_s:
            yield Mistake(("types", name, "silent_after_s"), _silence(entry.silent_after_s, entry.interval_s))


def _silence(silent: float, interval: float) -> str:
    default = max(SILENT_INTERVALS * interval, SILENT_LEAST_S)
    return (
        f"{silent:g} s is less than 2 intervals of {interval:g} s: one late message is an alert (default {default:g})"
    )


def _broker(broker: Broker, place: Place) -> Iterator[Mistake]:
    if broker.login.username and not broker.secure and not _is_loopback(broker.host):
        yield Mistake((*place, "url"), "the password goes in the clear: use mqtts://")
    if not broker.secure and broker.tls.model_fields_set:
        yield Mistake((*place, "tls"), "is not used with mqtt://: write mqtts://")


def _files(section: BaseModel, place: Place) -> Iterator[tuple[Place, Path]]:
    """Every file that the settings name and that must be there before the start."""
    for key in type(section).model_fields:
        value: object = getattr(section, key)
        if isinstance(value, BaseModel):
            yield from _files(value, (*place, key))
        elif isinstance(value, tuple):
            for number, each in enumerate(cast("tuple[object, ...]", value)):
                if isinstance(each, BaseModel):
                    yield from _files(each, (*place, key, number))
        elif isinstance(value, Path) and key.endswith("_file"):
            yield (*place, key), value


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
