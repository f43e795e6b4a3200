"""The encryption of HJ 212-2025, annex A.2: SM4 (GB/T 32907) over what stands between the two `&&` of CP.

ECB without padding: every full group of 16 bytes is encrypted, what is left over stays as it is.
"""

from __future__ import annotations

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes


def seal(cp: bytes, key: bytes) -> bytes:
    """What goes between the two `&&`: as long as `cp`. `key`: 16 bytes."""
    split = len(cp) // 16 * 16
    encryptor = Cipher(algorithms.SM4(key), modes.ECB()).encryptor()
    return encryptor.update(cp[:split]) + encryptor.finalize() + cp[split:]
