"""JSON, version 1 (`docs/payloads.md`): one object a message, several factors, each a number or an object.

    {"v":1,"time":"2026-03-01T08:00:00+08:00","readings":{"a21026":35.2,"a34013":{"value":4.1,"flag":"M"}}}

A message is taken whole or not at all. The hot path is a message of plain numbers whose names have been seen
before from that device: one decode, one look-up, four appends.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Sequence
from typing import Any, Final, Literal, NoReturn, cast

import msgspec

from gateway.channels import PERIODS, ChannelKey, Channels, ChannelsFull
from gateway.codecs.cache import Cache
from gateway.codecs.named import Named
from gateway.codecs.seam import CodecSettings, Sink
from gateway.codecs.units_declared import DeclaredUnits
from gateway.config import MIB
from gateway.flags import NORMAL, flag_code
from gateway.inventory import Inventory
from gateway.names import default_field, split_name
from gateway.reasons import BadPayload, Reason, shown
from gateway.stamps import EARLIEST, LATEST, iso_ms, plausible

LONGEST_MESSAGE: Final = MIB
"""Bytes. 2,000 factors written out with unit and flag take a fifth of it."""
REMEMBERED_NAMES: Final = 500_000
"""Bound on names held in the memory of layouts: 10,000 devices with 50 factors each, 50 MB at the very worst."""

_NAN: Final = float("nan")
_BROKEN: Final = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)


class Value(msgspec.Struct, frozen=True, gc=False):
    """A reading written out."""

    value: float | None
    unit: str | None = None
    flag: str = "N"


class Message(msgspec.Struct, frozen=True, gc=False):
    """A message of version 1. Members it does not know are ignored, so that later ones may be added."""

    v: Literal[1]
    time: int | str
    readings: dict[str, float | Value | None]
    device: str | None = None
    period: Literal["realtime", "minute", "hour", "day"] = "realtime"


_DECODER: Final = msgspec.json.Decoder(Message)


def read_message(payload: bytes) -> Message:
    """The message in a payload. Raises `BadPayload`, which names the field, for anything else."""
    if len(payload) > LONGEST_MESSAGE:
        raise BadPayload(Reason.TOO_LONG, f"{len(payload)} bytes are over the bound of {LONGEST_MESSAGE}")
    try:
        return _DECODER.decode(payload)
    except _BROKEN as error:
        _explain(payload, error)


def message_ms(message: Message, zone: Any) -> int:
    """ms UTC of a message, `zone` being that of its site. Raises `BadPayload`."""
    try:
        return plausible(message.time) if isinstance(message.time, int) else iso_ms(message.time, zone)
    except ValueError as error:
        raise BadPayload(Reason.BAD_TIME, f"time {shown(message.time)} {error}") from None


def split_names(names: Iterable[str], period: str) -> list[tuple[str, str]]:
    """Factor and field of each name. Raises `BadPayload`."""
    default = default_field(period)
    split: list[tuple[str, str]] = []
    for name in names:
        parts = split_name(name, default)
        if parts is None:
            raise BadPayload(Reason.BAD_FACTOR, f"readings has the name {shown(name)}; expected factor or factor-Field")
        split.append(parts)
    return split


class JsonV1:
    """The codec of JSON version 1."""

    def __init__(self, inventory: Inventory, channels: Channels, settings: CodecSettings) -> None:
        devices = inventory.devices
        self._channels = channels
        self._max_factors = settings.decode.max_factors
        self._zones = [inventory.sites[device.site].zone for device in devices]
        self._units = DeclaredUnits(inventory)
        self._own_names = [{name for name in (device.id, device.mn) if name} for device in devices]
        self._named = Named(inventory)
        self._layouts: Cache[tuple[int, str, tuple[str, ...]], list[int]] = Cache(REMEMBERED_NAMES)

    def decode(self, rows: Sequence[int], devices: Sequence[int], sink: Sink) -> None:
        """As `Codec.decode`."""
        payloads = sink.block.payloads
        heard = sink.devices
        decode, layouts, own_names, zones = _DECODER.decode, self._layouts, self._own_names, self._zones
        for row, device in zip(rows, devices, strict=True):
            try:
                payload = payloads[row]
                message = decode(payload) if len(payload) <= LONGEST_MESSAGE else read_message(payload)
                named = message.device
                if device < 0 or (named is not None and named not in own_names[device]):
                    device = self._named.device(device, named)
                time = message.time
                if type(time) is not int or not EARLIEST <= time < LATEST:
                    time = message_ms(message, zones[device])
                readings = message.readings
                names = tuple(readings)
                channels = layouts.get((device, message.period, names))
                if channels is None:
                    channels = self._layout(device, message.period, names)
                values: Sequence[float]
                flags: Sequence[int]
                try:
                    # Fails on null and on objects, in a tenth of the time that a look at each type would take.
                    sum(cast(Iterable[float], readings.values()))
                    values, flags = [*cast(Iterable[float], readings.values())], [NORMAL] * len(channels)
                except TypeError:
                    values, flags = self._written_out(device, message)
            except _BROKEN as error:
                self._bury(sink, row, device, *_reason(payloads[row], error))
                continue
            except BadPayload as bad:
                self._bury(sink, row, device, bad.reason, bad.detail, bad.claimed)
                continue
            heard.add(device)
            if channels:
                sink.rows.append(row)
                sink.counts.append(len(channels))
                sink.times.append(time)
                sink.channels += channels
                sink.values += values
                sink.flags += flags
            else:
                sink.alive_only += 1

    def _bury(self, sink: Sink, row: int, device: int, reason: Reason, detail: str, claimed: str = "") -> None:
        """Make a dead letter; its device has been heard of all the same, unless it is in doubt whose message it is."""
        sink.bury(row, reason, detail, claimed)
        if device >= 0 and reason is not Reason.DEVICE_MISMATCH:
            sink.devices.add(device)

    def _layout(self, device: int, period: str, names: tuple[str, ...]) -> list[int]:
        """The channels of a row of names, remembered. Raises `BadPayload`."""
        if len(names) > self._max_factors:
            raise BadPayload(
                Reason.TOO_MANY_FACTORS, f"readings has {len(names)} entries; {self._max_factors} are allowed"
            )
        split = split_names(names, period)
        try:
            channels = [self._channels.number(ChannelKey(device, *parts, period)) for parts in split]
        except ChannelsFull as full:
            raise BadPayload(Reason.CHANNELS_FULL, str(full)) from None
        self._layouts.keep((device, period, names), channels, len(names) + 1)
        return channels

    def _written_out(self, device: int, message: Message) -> tuple[list[float], list[int]]:
        """Values and flags of a message that has nulls or objects among its readings. Raises `BadPayload`."""
        values: list[float] = []
        flags: list[int] = []
        default = default_field(message.period)
        for name, reading in message.readings.items():
            value, flag = reading, "N"
            if isinstance(reading, Value):
                value, flag = reading.value, reading.flag
                if reading.unit is not None:
                    factor, _, field = name.partition("-")
                    number = _NAN if value is None else value
                    where = f"readings.{name}"
                    value = self._units.value(device, factor, field or default, number, reading.unit, where)
            values.append(_NAN if value is None else cast(float, value))
            flags.append(flag_code(flag))
        return values, flags


def _reason(payload: bytes, error: Exception) -> tuple[Reason, str]:
    """Reason and detail of a payload that could not be decoded."""
    try:
        _explain(payload, error)
    except BadPayload as bad:
        return bad.reason, bad.detail


def _explain(payload: bytes, error: Exception) -> NoReturn:
    """Raise the `BadPayload` that names what the decoder of `Message` stumbled over: it does not say which reading."""
    try:
        # The standard library's reader takes NaN and numbers out of range, so that the sentence can name the reading.
        message: object = json.loads(payload.decode())
    except (ValueError, RecursionError) as broken:
        detail = f"not JSON: {broken}" if payload else "the payload is empty"
        raise BadPayload(Reason.BAD_JSON, detail) from None
    if not isinstance(message, dict):
        raise BadPayload(Reason.BAD_JSON, f"expected an object, found {shown(message)}")
    fields = cast(dict[str, object], message)
    for name in ("v", "time", "readings"):
        if name not in fields:
            raise BadPayload(Reason.MISSING_FIELD, f"{name} is missing")
    if type(fields["v"]) is not int or fields["v"] != 1:
        raise BadPayload(Reason.UNSUPPORTED_VERSION, f"v is {shown(fields['v'])}; this gateway reads version 1")
    if type(fields["time"]) not in (int, str):
        raise BadPayload(
            Reason.BAD_TIME,
            f"time is {shown(fields['time'])}; expected an ISO 8601 string or whole milliseconds since 1970",
        )
    if not isinstance(fields.get("device"), str | None):
        raise BadPayload(Reason.BAD_FIELD, f"device is {shown(fields['device'])}; expected a string")
    if fields.get("period", "realtime") not in PERIODS:
        raise BadPayload(
            Reason.BAD_PERIOD, f"period is {shown(fields['period'])}; expected one of {', '.join(PERIODS)}"
        )
    if not isinstance(fields["readings"], dict):
        raise BadPayload(Reason.BAD_FIELD, f"readings is {shown(fields['readings'])}; expected an object")
    for name, reading in cast(dict[str, object], fields["readings"]).items():
        _explain_reading(name if len(name) <= 80 else f"{name[:77]}...", reading)
    raise BadPayload(Reason.BAD_JSON, str(error))


def _explain_reading(name: str, reading: object) -> None:
    """Raise `BadPayload` where a reading is not what it may be."""
    where = f"readings.{name}"
    value = reading
    if isinstance(reading, dict):
        members = cast(dict[str, object], reading)
        if "value" not in members:
            raise BadPayload(Reason.BAD_VALUE, f"{where} is an object without value")
        for member, kinds in (("unit", (str, type(None))), ("flag", (str,))):
            if not isinstance(members.get(member, ""), kinds):
                raise BadPayload(Reason.BAD_FIELD, f"{where}.{member} is {shown(members[member])}; expected a string")
        where, value = f"{where}.value", members["value"]
    if value is None:
        return
    if type(value) not in (int, float):
        raise BadPayload(Reason.BAD_VALUE, f"{where} is {shown(value)}; expected a number or null")
    try:
        finite = math.isfinite(cast(float, value))
    except OverflowError:
        finite = False
    if not finite:
        raise BadPayload(Reason.BAD_VALUE, f"{where} is {shown(value)}; expected a finite number")
