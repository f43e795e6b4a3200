"""Codecs: payloads to columns. One file a format, one line here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from gateway.channels import Channels
from gateway.codecs.auto import Auto
from gateway.codecs.hj212 import Hj212
from gateway.codecs.json_v1 import JsonV1
from gateway.codecs.refused import Refused
from gateway.codecs.seam import Codec, CodecSettings
from gateway.inventory import Inventory

CODECS: Final[dict[str, Callable[[Inventory, Channels, CodecSettings], Codec]]] = {
    "auto": Auto,
    "json": JsonV1,
    "hj212": Hj212,
    "refused": Refused,
}
"""The codecs of readings, by the word of a subscription; `refused` is of listeners only. The fourth word of a
subscription, `jpeg`, means frames: see `jpeg.py`."""


def make_codecs(inventory: Inventory, channels: Channels, settings: CodecSettings) -> dict[str, Codec]:
    """One codec of each kind, by its word."""
    return {word: make(inventory, channels, settings) for word, make in CODECS.items()}
