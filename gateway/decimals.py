"""Decimal numbers in texts, as senders write them who put numbers in quotes or in lines."""

from __future__ import annotations

import math
import re
from typing import Final

_DECIMAL: Final = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,4})?", re.ASCII)


def decimal(text: str) -> float | None:
    """The number a text stands for, None where it is no finite decimal number: `nan`, `inf`, `1_0` and `0x1` are none.

    >>> [decimal(text) for text in ("35.2", "-.5e3", "1_0", "inf")]
    [35.2, -500.0, None, None]
    """
    if _DECIMAL.fullmatch(text) is None:
        return None
    value = float(text)
    return value if math.isfinite(value) else None
