"""Keys and passwords of devices, by MN: held in memory, never printed.

HJ 212-2025 encrypts with SM4; keys come from the authority's system and change every 90 days or so. Frames that a
device sends again after an outage may be older than the key in force, so earlier keys are kept with their times.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class DeviceSecrets:
    """What is kept for one MN."""

    password: str | None = field(default=None, repr=False)
    """PW of its frames; None where it is not checked."""
    keys: tuple[tuple[int, bytes], ...] = field(default=(), repr=False)
    """(valid from, ms UTC; key of 16 bytes), ascending."""


class KeyRing:
    """The secrets of all devices."""

    def __init__(self, secrets: dict[str, DeviceSecrets] | None = None) -> None:
        self._secrets = secrets or {}

    def password(self, mn: str) -> str | None:
        """The password of an MN; None where none is kept."""
        found = self._secrets.get(mn)
        return found.password if found else None

    def has_keys(self, mn: str) -> bool:
        """Whether a key is kept for an MN."""
        found = self._secrets.get(mn)
        return bool(found and found.keys)

    def keys(self, mn: str, time: int) -> Sequence[bytes]:
        """Keys to try on a frame of `time` (ms UTC): the one valid then, older ones, then newer ones."""
        found = self._secrets.get(mn)
        if found is None:
            return ()
        before = [key for valid_from, key in found.keys if valid_from <= time]
        after = [key for valid_from, key in found.keys if valid_from > time]
        return (*reversed(before), *after)
