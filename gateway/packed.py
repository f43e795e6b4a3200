"""Arrays in a snapshot: their type, shape and bytes, as MessagePack takes them."""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray


class Packed(msgspec.Struct, array_like=True):
    """One array of a simple type."""

    dtype: str
    shape: tuple[int, ...]
    data: bytes


def pack(array: NDArray[Any]) -> Packed:
    """An array as it is now; structured ones are packed field by field."""
    return Packed(array.dtype.str, array.shape, array.tobytes())


def unpack(packed: Packed) -> NDArray[Any]:
    """The array that `pack` was given, read-only."""
    return np.frombuffer(packed.data, packed.dtype).reshape(packed.shape)
