"""The encryption of HJ 212-2025: SM4 (GB/T 32907) over what stands between the two `&&` of CP. Annex A.2.

ECB without padding: CP is taken in groups of 16 bytes, each full group is encrypted, the rest (under 16) stays plain.
Header and both `&&` stay plain, and the CRC is that of the plain segment: so decrypt first, then check. Nothing in a
frame says that it is encrypted, nor with which key; the right key is the one after which the CRC agrees.

Two forms are about. Raw: the encrypted bytes themselves, so that the segment keeps its length and CP may hold `&&`,
`##` and line ends. Printed, as the standard shows it: `{0xE4,0x3E,...,0xA4}g=N`, bytes in braces, then the plain rest.

Contexts of the cipher are kept per key, since making one costs more than a frame. They are for one thread at a time.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from cryptography.hazmat.primitives.ciphers import Cipher, CipherContext, algorithms, modes

GROUP: Final = 16
"""Bytes of a group, and of a key."""
CONTEXTS_KEPT: Final = 8_192
"""Keys whose contexts are held, under 1 KiB each: the key in force and the one before of 4,000 loggers."""

_CP: Final = re.compile(rb"CP\s*=\s*&&", re.IGNORECASE)
_PRINTED: Final = re.compile(rb"\s*\{\s*(0[xX][0-9A-Fa-f]{2}(?:\s*,\s*0[xX][0-9A-Fa-f]{2})*)\s*,?\s*\}")
_NAME: Final = re.compile(rb"[\s;,]*[A-Za-z0-9_.\-]{1,64}\s*=")
_ASCII_TEXT: Final = bytes((*range(0x20, 0x7F), *b"\t\r\n"))


def looks_encrypted(segment: bytes) -> bool:
    """Whether the CP of a segment is cipher text, raw or printed: text is not, garbled by a noisy line or not.

    Of random bytes 63 in 100 are no ASCII text. Of CP that begins with `name=`, as chance has it once in 800, more
    than a quarter must be no ASCII and the whole no text; of other CP an eighth is enough.
    """
    found = _body(segment)
    if found is None:
        return False
    body = segment[found[0] : found[1]]
    if _PRINTED.match(body):
        return True
    groups = body[: len(body) // GROUP * GROUP]
    odd = len(groups.translate(None, _ASCII_TEXT))
    if _NAME.match(body):
        return odd * 4 > len(groups) and not _is_text(body)
    return odd * 8 > len(groups)


def open_segment(segment: bytes, key: bytes) -> bytes | None:
    """The plain segment of an encrypted one, raw or printed. Whether the key was right only the CRC tells.

    None where there is nothing that could be decrypted: no CP, less than a group, or printed bytes in no full groups.
    """
    found = _body(segment)
    if found is None:
        return None
    start, end = found
    printed = _PRINTED.match(segment, start, end)
    if printed is not None:
        groups = bytes(int(byte, 16) for byte in printed[1].split(b","))
        rest = segment[printed.end() : end]
        if len(groups) % GROUP:
            return None
    else:
        split = start + (end - start) // GROUP * GROUP
        groups, rest = segment[start:split], segment[split:end]
    if not groups:
        return None
    return segment[:start] + _decryptor(key).update(groups) + rest + segment[end:]


def seal_segment(plain: bytes, key: bytes, *, printed: bool = False) -> bytes:
    """The segment with its CP encrypted; without a CP, or with one of under 16 bytes, as it was."""
    found = _body(plain)
    if found is None:
        return plain
    start, end = found
    split = start + (end - start) // GROUP * GROUP
    if split == start:
        return plain
    groups = _encryptor(key).update(plain[start:split])
    if printed:
        groups = b"{%b}" % b",".join(b"0x%02X" % byte for byte in groups)
    return plain[:start] + groups + plain[split:]


def _body(segment: bytes) -> tuple[int, int] | None:
    """Where the text between the two `&&` of CP begins and ends; None where they are not there."""
    mark = _CP.search(segment)
    if mark is None or not segment.endswith(b"&&") or len(segment) - 2 < mark.end():
        return None
    return mark.end(), len(segment) - 2


def _is_text(data: bytes) -> bool:
    for encoding in ("utf-8", "gb18030"):
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        if all(letter >= " " or letter in "\t\r\n" for letter in text):
            return True
    return False


@lru_cache(CONTEXTS_KEPT)
def _decryptor(key: bytes) -> CipherContext:
    return Cipher(algorithms.SM4(key), modes.ECB()).decryptor()


@lru_cache(CONTEXTS_KEPT)
def _encryptor(key: bytes) -> CipherContext:
    return Cipher(algorithms.SM4(key), modes.ECB()).encryptor()
