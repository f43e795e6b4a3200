"""Readings as InfluxDB line protocol, one line a reading, times in milliseconds:

    minute,site=s1,device=stack-1,factor=a21026 avg=35.2,flag="N",received=1719800000250i 1719800000000

The measurement is the period; site, device and factor are tags, and all else is a field, so that there are no more
series than the inventory's devices times their factors. The field is named by the channel's field in lower case.

Names come from outside. What line protocol can escape is escaped; what it cannot carry (a backslash, line breaks and
other control characters, and `%` itself) is percent-encoded as in a URL, so that different names stay different and
none can begin another tag, field or line. An empty name has no tag, which InfluxDB reads as the empty string.
"""

from __future__ import annotations

import re
from typing import Final, cast
from urllib.parse import quote

import numpy as np
from numpy.typing import NDArray

from gateway.channels import Channels
from gateway.flags import flag_text
from gateway.marks import BACKFILLED, CLOCK_BITS, CLOCKS, EARLY, LATE, OUT_OF_ORDER
from gateway.records import Readings
from gateway.stores.names import ChannelName, channel_name

_NOT_CARRIED: Final = re.compile("[\x00-\x1f\x7f%\\\\\ud800-\udfff]")
_ESCAPED: Final = re.compile("[ ,=]")
_TAKEN: Final = frozenset(
    {"flag", "received", "time", "clock", "early", "late", "out_of_order", "backfilled", "revision"}
)
"""Field keys with a meaning of their own; `time` InfluxDB refuses."""
REVISIONS: Final = "revisions"
"""The measurement that keeps what was said before and after each change of a stored value."""
_MARKS: Final = ((EARLY, "early"), (LATE, "late"), (OUT_OF_ORDER, "out_of_order"), (BACKFILLED, "backfilled"))


def _marked(mark: int) -> str:
    clock = mark & CLOCK_BITS
    fields = [f',clock="{CLOCKS[clock] if clock < len(CLOCKS) else "?"}"'] if clock else []
    return "".join([*fields, *(f",{word}=true" for bit, word in _MARKS if mark & bit)])


def mark_of(
    clock: str | None, early: bool | None, late: bool | None, out_of_order: bool | None, backfilled: bool | None
) -> int:
    """The mark that the fields of a point say; a field that it has not is None."""
    mark = CLOCKS.index(clock) if clock in CLOCKS else 0
    for (bit, _), said in zip(_MARKS, (early, late, out_of_order, backfilled), strict=True):
        mark |= bit if said else 0
    return mark


_MARKED: Final = tuple(map(_marked, range(256)))
_FLAGS: Final = tuple(text if text.isalnum() else "?" for text in map(flag_text, range(256)))


def stored_name(text: str) -> str:
    """A name as the database holds it: what line protocol cannot carry is percent-encoded."""
    return _NOT_CARRIED.sub(lambda found: quote(found[0].encode("utf-8", "surrogatepass"), safe=""), text)


def field_key(field: str) -> str:
    """The field key of a channel's field: `Rtd` is `rtd`; a name with another meaning here gets a `_`."""
    key = stored_name(field.lower())
    return f"{key}_" if key in _TAKEN or not key else key


def _escaped(name: str) -> str:
    return _ESCAPED.sub(r"\\\g<0>", name)


def _prefix(name: ChannelName) -> str:
    """Measurement and tags of a channel; the measurement cannot begin a comment."""
    tags = (("site", name.site), ("device", name.device), ("factor", name.factor))
    written = [f",{tag}={_escaped(stored_name(text))}" for tag, text in tags if text]
    return _escaped(stored_name(name.period).replace("#", "%23")) + "".join(written) + " "


class Lines:
    """Writes readings as lines; the unchanging part of each channel's lines is made once."""

    def __init__(self, channels: Channels) -> None:
        self._channels = channels
        self._prefixes: dict[int, tuple[str, str]] = {}
        """Channel to the text before the flag, without and with a value to follow. Bounded as channels are."""

    def write(self, readings: Readings, number: NDArray[np.int64] | None = None) -> list[bytes]:
        """One line for each reading, in order, without line ends.

        A value that is no finite number is not written: such a line has the flag and the received time only. Marks are
        fields of those readings that have any. `number`: of revisions, how often their instant was changed.
        """
        prefixes = self._prefixes
        columns = (readings.channel, readings.value, readings.flag, readings.received, readings.time)
        ends = self._ends(readings, number)
        lines: list[str] = []
        for channel, value, flag, received, time, end in zip(
            *(column.tolist() for column in columns), ends, strict=True
        ):
            bare, valued = prefixes.get(channel) or self._add(channel)
            if value - value == 0.0:  # finite
                lines.append(f'{valued}{value!r},flag="{_FLAGS[flag]}",received={received}i{end} {time}')
            else:
                lines.append(f'{bare}flag="{_FLAGS[flag]}",received={received}i{end} {time}')
        return "\n".join(lines).encode().split(b"\n") if lines else []

    def revisions(
        self,
        readings: Readings,
        number: NDArray[np.int64],
        was_value: NDArray[np.float64],
        was_flag: NDArray[np.uint8],
    ) -> list[bytes]:
        """One line for each revision: what was said of an instant, and what is said of it now.

        Its series has the number, so that several of one instant stay apart; a resend replaces itself.
        """
        keys, inventory = self._channels.keys, self._channels.inventory
        lines: list[bytes] = []
        for row, channel in enumerate(cast("list[int]", readings.channel.tolist())):
            name = channel_name(inventory, keys[channel])
            tags = (
                *(("site", name.site), ("device", name.device), ("factor", name.factor)),
                *(("field", field_key(name.field)), ("period", name.period), ("number", str(number[row]))),
            )
            series = "".join(f",{tag}={_escaped(stored_name(text))}" for tag, text in tags if text)
            fields = [f"received={readings.received[row]}i", f"position={readings.position[row]}i"]
            for field, value in (("was", float(was_value[row])), ("value", float(readings.value[row]))):
                if value - value == 0.0:
                    fields.append(f"{field}={value!r}")
            fields.append(f'was_flag="{_FLAGS[was_flag[row]]}"')
            fields.append(f'flag="{_FLAGS[readings.flag[row]]}"')
            lines.append(f"{REVISIONS}{series} {','.join(fields)} {readings.time[row]}".encode())
        return lines

    @staticmethod
    def _ends(readings: Readings, number: NDArray[np.int64] | None) -> list[str]:
        """What stands behind `received` in each line; nothing where there is nothing to say."""
        if number is not None:
            pairs = zip(cast("list[int]", readings.mark.tolist()), number.tolist(), strict=True)
            return [f"{_MARKED[mark]},revision={n}i" for mark, n in pairs]
        marks = cast("list[int]", readings.mark.tolist())
        return [_MARKED[mark] for mark in marks] if any(marks) else [""] * len(marks)

    def _add(self, channel: int) -> tuple[str, str]:
        key = self._channels.keys[channel]
        bare = _prefix(channel_name(self._channels.inventory, key))
        made = self._prefixes[channel] = bare, f"{bare}{_escaped(field_key(key.field))}="
        return made
