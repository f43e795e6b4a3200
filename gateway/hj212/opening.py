"""Frames with an encrypted CP (2025), opened: which key fits, and what is wrong with key or CRC."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from gateway.hj212.crc import crc16, crc_verdict
from gateway.hj212.keys import KeyRing
from gateway.hj212.sm4 import GROUP, looks_encrypted, open_segment
from gateway.hj212.verdicts import Verdict
from gateway.stamps import LATEST


class Opened(NamedTuple):
    """An encrypted segment, opened."""

    segment: bytes
    """In plain text."""
    crc: int
    """Of that."""
    verdict: Verdict
    """On CRC and key."""


def open_frame(segment: bytes, crc_text: bytes, mn: str, rf: bool, keys: KeyRing, time: int) -> Opened | None:
    """Open a segment with the keys of an MN, the one in force at `time` (ms UTC) first; None where none fits.

    A key fits after which the CRC agrees; else the first one that leaves a CP in plain text: then the CRC is wrong.
    """
    candidates = keys.keys(mn, time)
    second: Opened | None = None
    for key in candidates:
        plain = open_segment(segment, key)
        if plain is None:
            return None
        crc = crc16(plain)
        verdict = crc_verdict(crc_text, plain, crc)
        is_text = verdict is Verdict.NONE or not looks_encrypted(plain)
        if verdict is Verdict.CRC_WRONG and crc_verdict(crc_text, segment, crc16(segment)) is not Verdict.CRC_WRONG:
            verdict = Verdict.CRC_OF_CIPHERTEXT
        if _is_old(key, candidates, keys.keys(mn, LATEST)) and not rf:
            verdict |= Verdict.KEY_OLD
        if is_text and not verdict & ~Verdict.KEY_OLD:
            return Opened(plain, crc, verdict)
        if is_text and second is None:
            second = Opened(plain, crc, verdict)
    return second


def plain_length(segment: bytes) -> int:
    """Bytes that an encrypted segment has in plain text, whatever its key."""
    plain = open_segment(segment, bytes(GROUP))
    return len(segment if plain is None else plain)


def _is_old(key: bytes, candidates: Sequence[bytes], newest_first: Sequence[bytes]) -> bool:
    """Whether a key was followed by the one that was in force, which is the first candidate."""
    return key != candidates[0] and newest_first.index(key) > newest_first.index(candidates[0])
