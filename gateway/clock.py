"""The wall clock, in the unit of everything here. Passed in wherever time decides something, so that tests set it."""

from __future__ import annotations

import time


def now_ms() -> int:
    """ms since the epoch, UTC."""
    return time.time_ns() // 1_000_000
