"""The codec that looks: JSON begins with `{`, HJ 212 with `##`, SenML with an array of records that can be no other.

That is: every key of the first record is a label of RFC 8428, `n` or `bn` among them, and one with a value or a base.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from gateway.channels import Channels
from gateway.codecs.hj212 import Hj212
from gateway.codecs.json_v1 import JsonV1
from gateway.codecs.seam import CodecSettings, Sink
from gateway.codecs.senml import SenML
from gateway.inventory import Inventory
from gateway.reasons import Reason, shown

_BLANK: Final = b" \t\r\n\xef\xbb\xbf\0"
"""What may stand before the first byte that counts: white space, a byte order mark, padding."""


_FIRST_RECORD: Final = re.compile(rb'\[\s*\{((?:[^{}"]|"(?:[^"\\]|\\.){0,128}"){1,512})\}')
_KEY: Final = re.compile(rb'"([^"\\]*)"\s*:')
_LABELS: Final = frozenset(b"bn bt bu bv bs bver n u v vs vb vd s t ut".split())
_NAMES: Final = frozenset((b"bn", b"n"))
_VALUES: Final = frozenset((b"v", b"vs", b"vb", b"vd", b"s", b"bt", b"bu", b"bv", b"bver"))


def _is_senml(payload: bytes) -> bool:
    first = _FIRST_RECORD.match(payload)
    if first is None:
        return False
    keys = set(_KEY.findall(first[1]))
    return keys <= _LABELS and bool(keys & _NAMES) and bool(keys & _VALUES)


def format_of(payload: bytes) -> str:
    """`json`, `hj212`, `senml`, or empty where it is none.

    A frame may have rubbish before it, the rest of another, say.
    """
    if payload[:1] == b"{":
        return "json"
    if payload[:2] == b"##":
        return "hj212"
    start = payload.lstrip(_BLANK)
    if start[:1] == b"{":
        return "json"
    if start[:1] == b"[" and _is_senml(start):
        return "senml"
    return "hj212" if b"##" in payload else ""


class Auto:
    """Gives each message to the codec of its format. The formats may be mixed within a batch."""

    def __init__(self, inventory: Inventory, channels: Channels, settings: CodecSettings) -> None:
        self._json = JsonV1(inventory, channels, settings)
        self._hj212 = Hj212(inventory, channels, settings)
        self._senml = SenML(inventory, channels, settings)

    def decode(self, rows: Sequence[int], devices: Sequence[int], sink: Sink) -> None:
        """As `Codec.decode`."""
        payloads = sink.block.payloads
        formats = [format_of(payloads[row]) for row in rows]
        for word, codec in (("json", self._json), ("hj212", self._hj212), ("senml", self._senml)):
            count = formats.count(word)
            if count == len(formats):
                codec.decode(rows, devices, sink)
                return
            if count:
                mine = [at for at, found in enumerate(formats) if found == word]
                codec.decode([rows[at] for at in mine], [devices[at] for at in mine], sink)
        for row, device, found in zip(rows, devices, formats, strict=True):
            if not found:
                start = shown(payloads[row][:20])
                sink.bury(row, Reason.UNKNOWN_FORMAT, f"expected {{ (JSON), ## (HJ 212) or SenML, found {start}")
                if device >= 0:
                    sink.devices.add(device)
