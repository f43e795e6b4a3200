"""SenML in JSON (RFC 8428): a pack of records, of which each base field holds until the next one of its kind.

    [{"bn":"urn:dev:mac:0024befffe804ff1/","bt":1772337600,"bu":"Cel","n":"a01001","v":20.1},{"n":"a01012","u":"%RH","v":45}]

A record's name is base name and name together. What stands before its last `/` or `:` names the device, what follows
is the factor: see `device_and_factor`. A pack is taken whole or not at all.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NoReturn

import msgspec

from gateway.channels import Channels
from gateway.codecs.cache import Cache
from gateway.codecs.named import Named
from gateway.codecs.rows import Row, RowWriter
from gateway.codecs.seam import CodecSettings, Sink
from gateway.config import MIB
from gateway.flags import NORMAL
from gateway.inventory import Inventory
from gateway.reasons import BadPayload, Reason, shown
from gateway.stamps import epoch_ms

LONGEST_MESSAGE: Final = MIB
RELATIVE_BELOW: Final = 2**28
"""RFC 8428, 4.5.3: times below are relative to now, which is when the pack was received."""
VERSIONS: Final = frozenset((*range(1, 11), 26))
"""10 is RFC 8428's; 26 is 10 with the feature "secondary units" (RFC 9100 and RFC 8798), which are known here."""
SUM_FIELD: Final = "Sum"
"""Field under which a sum (`s`) is stored: the integral of the value over time."""
REMEMBERED_NAMES: Final = 100_000

_NAN: Final = float("nan")
_MUST_KNOW: Final = (b'_"', b"\\u005")
"""What a payload has somewhere in it when it has a field that must be understood, written plainly or escaped."""


class Record(msgspec.Struct, frozen=True, gc=False):
    """A record as it is sent. Fields not known are ignored, unless they end in `_`."""

    bn: str = ""
    bt: float | None = None
    bu: str | None = None
    bv: float | None = None
    bs: float | None = None
    bver: int | None = None
    n: str = ""
    u: str | None = None
    v: float | None = None
    vs: str | None = None
    vb: bool | None = None
    vd: str | None = None
    s: float | None = None
    t: float = 0.0
    ut: float = 0.0


_DECODER: Final = msgspec.json.Decoder(list[Record])
_ANY: Final = msgspec.json.Decoder(list[dict[str, msgspec.Raw]])


def device_and_factor(name: str) -> tuple[str | None, str]:
    """Device and factor of a full name: `urn:dev:ow:10e2073a01080063:a01001`, `ww-01/a21026-Avg`, `a21026`.

    The device is None where nothing stands before the factor: then it is the topic's. A device URN (RFC 9039) stands
    for what follows its type, `urn:dev:mac:0024befffe804ff1` for `0024befffe804ff1`.
    """
    cut = max(name.rfind("/"), name.rfind(":"))
    if cut < 0:
        return None, name
    device = name[:cut]
    if device.startswith("urn:dev:"):
        device = device[len("urn:dev:") :].partition(":")[2]
    return device, name[cut + 1 :]


class SenML:
    """The codec of SenML packs in JSON."""

    def __init__(self, inventory: Inventory, channels: Channels, settings: CodecSettings) -> None:
        self._named = Named(inventory)
        self._mns = inventory.mn_numbers
        self._rows = RowWriter(inventory, channels, settings, senml=True)
        self._names: Cache[tuple[int, str], tuple[int, str]] = Cache(REMEMBERED_NAMES)

    def decode(self, rows: Sequence[int], devices: Sequence[int], sink: Sink) -> None:
        """As `Codec.decode`."""
        block = sink.block
        for row, device in zip(rows, devices, strict=True):
            try:
                readings, texts = self._read(block.payloads[row], device, block.received)
                if readings:
                    self._rows.write(sink, row, readings)
                elif texts:
                    raise BadPayload(Reason.TEXT_VALUE, "the pack has no number, only text and data")
                else:
                    sink.alive_only += 1
                    if device >= 0:
                        sink.devices.add(device)
            except BadPayload as bad:
                sink.bury(row, bad.reason, bad.detail, bad.claimed)
                if device >= 0 and bad.reason is not Reason.DEVICE_MISMATCH:
                    sink.devices.add(device)

    def _read(self, payload: bytes, device: int, received: int) -> tuple[list[Row], int]:
        """Readings of a pack, and how many records of text it has. Raises `BadPayload`."""
        readings: list[Row] = []
        texts = 0
        name = ""
        unit: str | None = None
        base_time = base_value = base_sum = 0.0
        for number, record in enumerate(read_pack(payload)):
            name = record.bn or name
            unit = record.bu if record.bu is not None else unit
            base_time = record.bt if record.bt is not None else base_time
            base_value = record.bv if record.bv is not None else base_value
            base_sum = record.bs if record.bs is not None else base_sum
            value = record.v
            if value is not None:
                value += base_value
            elif record.vb is not None:
                value = float(record.vb)
            elif record.s is None:
                if record.vs is not None or record.vd is not None:
                    texts += 1
                elif record.n or record.t:
                    raise BadPayload(Reason.MISSING_FIELD, f"record {number} has none of v, vb, vs, vd and s")
                continue
            found = self._names.get((device, name + record.n))
            if found is None:
                found = self._find(device, name + record.n)
            time, timed = _time(base_time + record.t, received), base_time + record.t >= RELATIVE_BELOW
            if value is not None:
                given = None if record.vb is not None else record.u or unit
                readings.append(Row(*found, "realtime", time, value, NORMAL, given, timed))
            if record.s is not None:
                factor = found[1].partition("-")[0]
                readings.append(
                    Row(found[0], f"{factor}-{SUM_FIELD}", "realtime", time, record.s + base_sum, NORMAL, None, timed)
                )
        return readings, texts

    def _find(self, device: int, name: str) -> tuple[int, str]:
        """Device number and factor of a full name. Raises `BadPayload`."""
        whole = max(name.rfind("/"), name.rfind(":"))
        owner, factor = device_and_factor(name)
        if owner is not None and name[:whole] in self._mns:  # an MN may be a URN as it stands
            owner = name[:whole]
        if not factor:
            raise BadPayload(Reason.BAD_FACTOR, f"the name {shown(name)} has no factor after its last / or :")
        found = (self._named.device(device, owner), factor)
        if len(name) <= 256:
            self._names.keep((device, name), found)
        return found


def read_pack(payload: bytes) -> list[Record]:
    """The records of a pack as they are sent. Raises `BadPayload`."""
    if len(payload) > LONGEST_MESSAGE:
        raise BadPayload(Reason.TOO_LONG, f"{len(payload)} bytes are over the bound of {LONGEST_MESSAGE}")
    try:
        if any(mark in payload for mark in _MUST_KNOW):
            _refuse_unknown(payload)
        records = _DECODER.decode(payload)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        _explain(payload, error)
    version = 10
    for number, record in enumerate(records):
        if record.bver is not None:
            if record.bver not in VERSIONS or (number and record.bver != version):
                raise BadPayload(Reason.UNSUPPORTED_VERSION, f"bver of record {number} is {record.bver}; expected 10")
            version = record.bver
    return records


def _refuse_unknown(payload: bytes) -> None:
    for number, record in enumerate(_ANY.decode(payload)):
        for field in record:
            if field.endswith("_"):
                detail = f"record {number} has the field {shown(field)}, which must be understood and is not"
                raise BadPayload(Reason.NOT_UNDERSTOOD, detail)


def _explain(payload: bytes, error: Exception) -> NoReturn:
    if not payload:
        raise BadPayload(Reason.BAD_JSON, "the payload is empty")
    if isinstance(error, msgspec.ValidationError):
        raise BadPayload(Reason.BAD_FIELD, f"no SenML pack: {error}")
    raise BadPayload(Reason.BAD_JSON, f"not JSON: {error}")


def _time(seconds: float, received: int) -> int:
    """ms UTC of a resolved time. Raises `BadPayload`."""
    try:
        return epoch_ms(seconds if seconds >= RELATIVE_BELOW else received / 1000 + seconds)
    except ValueError as error:
        raise BadPayload(Reason.BAD_TIME, f"time {shown(seconds)} {error}") from None
