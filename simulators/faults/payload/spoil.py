"""The base of faults that spoil payloads: whom they meet, and how they get at what is in the bytes."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import cast

import numpy as np

from simulators.faults.seam import ParcelEffect, PayloadFault, Share
from simulators.formats.hj212 import enclose
from simulators.records import Message, Parcel, Report

HEAD, TAIL = 6, 6
"""Bytes of an HJ 212 frame before and after its data segment: `##` and the length; CRC and CR LF."""


class Spoiled(PayloadFault):
    """Spoils a share of the messages; one that nobody can use any more is not spoilt again."""

    share: Share = 1.0

    def spoil(self, message: Message) -> tuple[Message, str]:
        """The message as it is sent, and why it cannot be used, empty where it can."""
        raise NotImplementedError

    def read(self, said: Report) -> Report:
        """What a receiver reads in the message where it can be used."""
        return said

    def payload(self, rng: np.random.Generator) -> ParcelEffect:
        kind = str(self.told()["kind"])

        def effect(t: float, parcel: Parcel) -> list[Parcel]:
            chosen = rng.random() < self.share
            if not chosen or not self.active(t) or parcel.reason or not isinstance(parcel.item, Message):
                return [parcel]
            message, reason = self.spoil(parcel.item)
            item = replace(message, values=0) if reason else message  # nobody reads any of its numbers
            said = None if parcel.said is None else self.read(parcel.said)
            return [replace(parcel, item=item, said=said, wrong=kind, reason=reason)]

        return effect


def is_frame(payload: bytes) -> bool:
    """Whether it is a frame of HJ 212, and not JSON of any kind."""
    return payload.startswith(b"##")


def edited(payload: bytes, pattern: bytes, by: bytes) -> bytes:
    """A frame with the first match of `pattern` in its data segment replaced, length and CRC right again."""
    frame, behind = parted(payload)
    segment = frame[HEAD:-TAIL]
    return enclose(re.sub(pattern, by.replace(b"\\", b"\\\\"), segment, count=1)) + behind


def parted(payload: bytes) -> tuple[bytes, bytes]:
    """What is said, and the blanks that stand behind it."""
    whole = payload.rstrip(b" ")
    return whole, payload[len(whole) :]


def decoded(payload: bytes) -> dict[str, object] | list[dict[str, object]]:
    """What is in a payload of JSON: the object of version 1, or the records of SenML."""
    return cast("dict[str, object] | list[dict[str, object]]", json.loads(payload))


def encoded(content: object) -> bytes:
    """As the formats write JSON."""
    return json.dumps(content, separators=(",", ":")).encode()
