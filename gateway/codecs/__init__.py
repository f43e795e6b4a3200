"""Codecs: payloads to columns. One file a format, one line here."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

from gateway.channels import Channels
from gateway.codecs.auto import Auto
from gateway.codecs.frigate import Frigate
from gateway.codecs.hj212 import Hj212
from gateway.codecs.json_v1 import JsonV1
from gateway.codecs.line import Line
from gateway.codecs.mapped import Mapped
from gateway.codecs.onvif import Onvif
from gateway.codecs.refused import Refused
from gateway.codecs.seam import Codec, CodecSettings
from gateway.codecs.senml import SenML
from gateway.config import JsonMapping, Subscription
from gateway.inventory import Inventory

CODECS: Final[dict[str, Callable[[Inventory, Channels, CodecSettings], Codec]]] = {
    "auto": Auto,
    "json": JsonV1,
    "hj212": Hj212,
    "senml": SenML,
    "line": Line,
    "mapped": Mapped,
    "frigate": Frigate,
    "onvif": Onvif,
    "refused": Refused,
}
"""The codecs of readings and events, by the word of a subscription; `refused` is of listeners only. The last word of a
subscription, `jpeg`, means frames: see `jpeg.py`."""


def make_codecs(
    inventory: Inventory,
    channels: Channels,
    settings: CodecSettings,
    subscriptions: Sequence[Subscription] = (),
    mappings: Sequence[JsonMapping] = (),
) -> dict[str, Codec]:
    """One codec of each kind by its word, and one by `Subscription.codec_key` for each that has options of its own."""
    made = {word: make(inventory, channels, settings) for word, make in CODECS.items() if word != "mapped"}
    by_name = {mapping.name: mapping for mapping in mappings}
    for each in subscriptions:
        if each.codec in CODECS and each.codec_key not in made:
            own = replace(settings, line=each.line, mapping=by_name.get(each.mapping or ""))
            made[each.codec_key] = CODECS[each.codec](inventory, channels, own)
    return made
