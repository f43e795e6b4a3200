"""Values that are no numbers, and names that nobody agreed on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final, Literal, cast

from simulators.faults.payload.spoil import Spoiled, decoded, edited, encoded, is_frame
from simulators.records import Message, Report
from simulators.settings import DeviceType

FIRST_VALUE: Final = rb"(?<=-[A-Z][a-z][a-z]=)[^,;&]+"
"""Of `Rtd`, `Avg`, ... of the first factor in a frame."""


class PlainText(Spoiled):
    """Base of those that write into the data, which must not be encrypted."""

    def misfits(self, settings: DeviceType) -> Iterator[str]:
        if settings.simulate.sm4_key:
            yield "encrypts its data: what is in them cannot be changed on the way"


class FirstValue(PlainText):
    """Base of those that write over the first value: of HJ 212 the others can be used."""

    def read(self, said: Report) -> Report:
        """Without that value."""
        first, *others = said.readings
        values = dict(first.values)
        values.pop(next((name for name in values if len(name) == len("Rtd")), ""), None)
        return replace(said, readings=[replace(first, values=values), *others])


class NotANumber(FirstValue):
    """The first value is `NaN`, as a C library or Python writes it. JSON does not know it."""

    kind: Literal["not_a_number"]

    def spoil(self, message: Message) -> tuple[Message, str]:
        if is_frame(message.payload):
            return _frame(message, FIRST_VALUE, b"NaN")
        return _first(message, float("nan")), "bad_json" if isinstance(decoded(message.payload), list) else "bad_value"


class WrongType(FirstValue):
    """The first value is a text, as a logger with a broken driver sends it."""

    kind: Literal["wrong_type"]

    def spoil(self, message: Message) -> tuple[Message, str]:
        if is_frame(message.payload):
            return _frame(message, FIRST_VALUE, b"ERR")
        if isinstance(decoded(message.payload), list):
            return _first(message, "ERR"), "bad_field"
        return _first(message, "ERR"), "bad_value"


class UnknownField(PlainText):
    """A member that the format does not have, and a factor that nobody knows (`zz9999`): the rest can be used."""

    kind: Literal["unknown_field"]

    def spoil(self, message: Message) -> tuple[Message, str]:
        if is_frame(message.payload):
            return _frame(message, rb"&&$", b";zz9999-Rtd=1.0,zz9999-Flag=N&&")
        content = decoded(message.payload)
        if isinstance(content, list):
            content = [*content, {"n": "zz9999", "v": 1.0, "vendor": "x"}]
        else:
            readings = cast("dict[str, object]", content["readings"])
            content = content | {"vendor": {"firmware": "x"}, "readings": readings | {"zz9999": 1.0}}
        return replace(message, payload=encoded(content)), ""


def _frame(message: Message, pattern: bytes, by: bytes) -> tuple[Message, str]:
    return replace(message, payload=edited(message.payload, pattern, by)), ""


def _first(message: Message, value: object) -> Message:
    """The message with its first value replaced."""
    content = decoded(message.payload)
    if isinstance(content, list):
        content[0] = content[0] | {"v": value}
    else:
        readings = cast("dict[str, object]", content["readings"])
        content["readings"] = readings | {next(iter(readings)): value}
    return replace(message, payload=encoded(content))
