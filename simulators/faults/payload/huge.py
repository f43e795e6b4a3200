"""A message of a size that no monitor needs."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Literal

from pydantic import Field

from simulators.faults.payload.spoil import Spoiled, is_frame
from simulators.records import Message


class Huge(Spoiled):
    """Blanks are put behind the message until it has `bytes` bytes."""

    kind: Literal["huge"]
    bytes: Annotated[int, Field(gt=0, le=100_000_000)] = 1_200_000

    def spoil(self, message: Message) -> tuple[Message, str]:
        most = 131_072 if is_frame(message.payload) else 1_048_576
        return replace(message, payload=message.payload.ljust(self.bytes)), "too_long" if self.bytes > most else ""
