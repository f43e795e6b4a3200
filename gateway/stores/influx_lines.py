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
from typing import Final
from urllib.parse import quote

from gateway.channels import Channels
from gateway.flags import flag_text
from gateway.records import Readings
from gateway.stores.names import ChannelName, channel_name

_NOT_CARRIED: Final = re.compile("[\x00-\x1f\x7f%\\\\\ud800-\udfff]")
_ESCAPED: Final = re.compile("[ ,=]")
_TAKEN: Final = frozenset({"flag", "received", "time"})
"""Field keys with a meaning of their own; `time` InfluxDB refuses."""
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

    def write(self, readings: Readings) -> list[bytes]:
        """One line for each reading, in order, without line ends.

        A value that is no finite number is not written: such a line has the flag and the received time only.
        """
        prefixes = self._prefixes
        columns = (readings.channel, readings.value, readings.flag, readings.received, readings.time)
        lines: list[str] = []
        for channel, value, flag, received, time in zip(*(column.tolist() for column in columns), strict=True):
            bare, valued = prefixes.get(channel) or self._add(channel)
            if value - value == 0.0:  # finite
                lines.append(f'{valued}{value!r},flag="{_FLAGS[flag]}",received={received}i {time}')
            else:
                lines.append(f'{bare}flag="{_FLAGS[flag]}",received={received}i {time}')
        return "\n".join(lines).encode().split(b"\n") if lines else []

    def _add(self, channel: int) -> tuple[str, str]:
        key = self._channels.keys[channel]
        bare = _prefix(channel_name(self._channels.inventory, key))
        made = self._prefixes[channel] = bare, f"{bare}{_escaped(field_key(key.field))}="
        return made
