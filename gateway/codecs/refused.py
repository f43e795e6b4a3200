"""The codec of frames whose sender a listener turned away: nothing of them is read, and nothing of them is lost."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from gateway.channels import Channels
from gateway.codecs.seam import CodecSettings, Sink
from gateway.hj212.reader import mn_of
from gateway.inventory import Inventory
from gateway.reasons import Reason

DETAILS: Final = {
    "password_wrong": "PW is not the password that hj212.keys_file has for the MN",
    "password_missing": "hj212.keys_file has no password for the MN, and password_required is true",
}
"""Last level of the topic (see `gateway.links.hj212_login`) to a sentence for a person."""


class Refused:
    """Buries every message, also when it is run again: the device repeats what it got no 9014 for."""

    def __init__(self, _inventory: Inventory, _channels: Channels, _settings: CodecSettings) -> None:
        pass

    def decode(self, rows: Sequence[int], devices: Sequence[int], sink: Sink) -> None:
        """As `Codec.decode`."""
        for row in rows:
            why = sink.block.topics[row].rpartition("/")[2]
            claimed = mn_of(sink.block.payloads[row])
            sink.bury(row, Reason.LOGIN_REFUSED, DETAILS.get(why, why), claimed)
