"""JSON of any vendor, by a mapping of the configuration: paths to device, time, factor, value, unit and flag.

    { name = "vendor-x", readings = "data.*", factor = "@key", value = "val", time = "$.ts", time_format = "epoch_s" }

reads `{"ts": 1772337600, "data": {"so2": {"val": 35.2}}}`. A message is taken whole or not at all.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

import msgspec

from gateway.channels import PERIODS, Channels
from gateway.codecs.cache import Cache
from gateway.codecs.named import Named
from gateway.codecs.rows import Row, RowWriter
from gateway.codecs.seam import CodecSettings, Sink
from gateway.config import MIB, JsonMapping
from gateway.decimals import decimal
from gateway.flags import NORMAL, UNKNOWN, flag_code
from gateway.inventory import Inventory
from gateway.json_paths import MISSING, Chain, JsonPath, compile_path, get, matches
from gateway.reasons import BadPayload, Reason, shown
from gateway.stamps import epoch_ms, iso_ms, plausible

LONGEST_MESSAGE: Final = MIB
REMEMBERED_TIMES: Final = 10_000
"""Stamps that are the same in many readings, for each zone."""

_NAN: Final = float("nan")
_DECODER: Final = msgspec.json.Decoder()

Place = JsonPath | str
"""A path, or a text that is the same for all."""


class Mapped:
    """The codec of one mapping."""

    def __init__(self, inventory: Inventory, channels: Channels, settings: CodecSettings) -> None:
        mapping = settings.mapping
        assert mapping is not None, "the codec `mapped` needs a mapping"
        self._mapping: JsonMapping = mapping
        self._readings = compile_path(mapping.readings, wild=True)
        self._value = compile_path(mapping.value)
        self._factor = _place(mapping.factor)
        self._device, self._unit, self._flag, self._period = (
            None if text is None else _place(text)
            for text in (mapping.device, mapping.unit, mapping.flag, mapping.period)
        )
        self._time = None if mapping.time is None else compile_path(mapping.time)
        self._zones = [inventory.sites[device.site].zone for device in inventory.devices]
        self._named = Named(inventory)
        self._rows = RowWriter(inventory, channels, settings)
        self._times: Cache[tuple[str, str], int] = Cache(REMEMBERED_TIMES)

    def decode(self, rows: Sequence[int], devices: Sequence[int], sink: Sink) -> None:
        """As `Codec.decode`."""
        block = sink.block
        for row, device in zip(rows, devices, strict=True):
            try:
                readings = self._read(block.payloads[row], device, block.received)
                if readings:
                    self._rows.write(sink, row, readings)
                    continue
                sink.alive_only += 1
            except BadPayload as bad:
                sink.bury(row, bad.reason, bad.detail, bad.claimed)
                if bad.reason is Reason.DEVICE_MISMATCH:
                    continue
            if device >= 0:
                sink.devices.add(device)

    def _read(self, payload: bytes, device: int, received: int) -> list[Row]:
        """Raises `BadPayload`."""
        if len(payload) > LONGEST_MESSAGE:
            raise BadPayload(Reason.TOO_LONG, f"{len(payload)} bytes are over the bound of {LONGEST_MESSAGE}")
        try:
            message: object = _DECODER.decode(payload)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            detail = f"not JSON: {error}" if payload else "the payload is empty"
            raise BadPayload(Reason.BAD_JSON, detail) from None
        factors = self._mapping.factors
        readings: list[Row] = []
        for chain in matches(self._readings, message):
            name = _text(self._factor, chain, "factor")
            if factors:
                name = factors.get(name, "")
                if not name:
                    continue
            owner = self._named.device(device, None if self._device is None else _text(self._device, chain, "device"))
            time = received if self._time is None else self._read_time(self._time, chain, self._zones[owner])
            value = _value(get(self._value, chain), name)
            unit = None if self._unit is None else _text(self._unit, chain, "unit", or_else="")
            period, flag = self._read_period(chain), self._read_flag(chain)
            readings.append(Row(owner, name, period, time, value, flag, unit, self._time is not None))
        if not readings:
            self._check_device(device, message)
        return readings

    def _check_device(self, device: int, message: object) -> None:
        """A message without any reading is a sign of life only where it is not of another device."""
        if self._device is not None and device >= 0:
            found = self._device if isinstance(self._device, str) else get(self._device, [(None, message)])
            if isinstance(found, str):
                self._named.device(device, found)

    def _read_period(self, chain: Chain) -> str:
        if self._period is None:
            return "realtime"
        period = _text(self._period, chain, "period", or_else="realtime")
        if period not in PERIODS:
            raise BadPayload(Reason.BAD_PERIOD, f"period is {shown(period)}; expected one of {', '.join(PERIODS)}")
        return period

    def _read_flag(self, chain: Chain) -> int:
        if self._flag is None:
            return NORMAL
        text = _text(self._flag, chain, "flag", or_else="")
        if self._mapping.flags:
            ours = self._mapping.flags.get(text)
            return UNKNOWN if ours is None else flag_code(ours)
        return flag_code(text)

    def _read_time(self, path: JsonPath, chain: Chain, zone: ZoneInfo) -> int:
        found = get(path, chain)
        if found is MISSING or found is None:
            raise BadPayload(Reason.MISSING_FIELD, f"time ({shown(path.text)}) is missing")
        form = self._mapping.time_format
        try:
            if form == "epoch_s" or form == "epoch_ms":
                seconds = decimal(found) if isinstance(found, str) else found
                if not isinstance(seconds, int | float) or isinstance(seconds, bool):
                    raise ValueError("is no number")
                return epoch_ms(seconds) if form == "epoch_s" else plausible(round(seconds))
            if not isinstance(found, str):
                raise ValueError("is no text")
            key = (found, zone.key)
            time = self._times.get(key)
            if time is None:
                time = iso_ms(found, zone) if form == "iso" else _pattern_ms(found, self._mapping.time_pattern, zone)
                if len(found) <= 64:
                    self._times.keep(key, time)
        except ValueError as error:
            detail = f"time ({shown(path.text)}) {shown(found)} {error}"
            raise BadPayload(Reason.BAD_TIME, detail) from None
        return time


def _place(text: str) -> Place:
    return text[1:] if text.startswith("=") else compile_path(text)


def _text(place: Place, chain: Chain, what: str, *, or_else: str | None = None) -> str:
    """The text at a place; whole numbers are texts too. `or_else` stands for what is missing or null."""
    if isinstance(place, str):
        return place
    found: Any = get(place, chain)
    if type(found) is str:
        return found
    if type(found) is int:
        return str(found)
    if found is MISSING or found is None:
        if or_else is not None:
            return or_else
        raise BadPayload(Reason.MISSING_FIELD, f"{what} ({shown(place.text)}) is missing")
    raise BadPayload(Reason.BAD_FIELD, f"{what} ({shown(place.text)}) is {shown(found)}; expected a text")


def _value(found: Any, name: str) -> float:
    """A number, also one in quotes; null is a missing value, true and false are 1 and 0. Raises `BadPayload`."""
    if type(found) is float:
        return found
    if found is None:
        return _NAN
    if found is MISSING:
        raise BadPayload(Reason.MISSING_FIELD, f"{shown(name)} has no value")
    if isinstance(found, int):
        try:
            return float(found)
        except OverflowError:
            raise BadPayload(Reason.BAD_VALUE, f"{shown(name)} is {shown(found)}, beyond all numbers") from None
    value = decimal(found.strip()) if isinstance(found, str) else None
    if value is None:
        raise BadPayload(Reason.BAD_VALUE, f"{shown(name)} is {shown(found)}; expected a number or null")
    return value


def _pattern_ms(text: str, pattern: str, zone: ZoneInfo) -> int:
    """Raises ValueError."""
    try:
        moment = datetime.strptime(text, pattern)  # noqa: DTZ007 (without a zone it is the site's: `iso_ms`)
    except ValueError:
        raise ValueError(f"is not of the form {pattern}") from None
    return iso_ms(moment.isoformat(), zone)
