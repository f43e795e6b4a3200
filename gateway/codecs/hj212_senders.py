"""What the HJ 212 codec knows of the devices that send: whose frame it is, how it is read, what it may do wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final
from zoneinfo import ZoneInfo

from gateway.channels import ChannelKey, Channels, ChannelsFull
from gateway.codecs.cache import Cache
from gateway.codecs.seam import CodecSettings, site_of
from gateway.flags import NORMAL, flag_code
from gateway.hj212.editions import RULES, Edition
from gateway.hj212.factor_codes import new_code
from gateway.hj212.header import Header
from gateway.hj212.reader import header_verdicts
from gateway.hj212.verdicts import WORDS
from gateway.inventory import Inventory
from gateway.reasons import BadPayload, Reason, shown
from gateway.records import FrameHead
from gateway.stamps import day_before, hj212_ms

REMEMBERED_TIMES: Final = 10_000
"""Stamps held by each clock: devices of one interval send the same few."""
REMEMBERED_HEADS: Final = 50_000
"""Headers held, but for QN: 10,000 devices with five commands each."""
LONGEST_HEADER: Final = 256
"""Bytes of a header that is held; the standard's has some 120. With the number above: some 60 MB, whoever sends."""

HOUR: Final = 3_600_000
DAY: Final = -1
"""Stands for a day of local time."""


class Clock:
    """Reads stamps of one time zone, moved from the end of a period to its start where devices stamp the end."""

    def __init__(self, zone: ZoneInfo, shift: int) -> None:
        self._zone = zone
        self._shift = shift
        self.known: Cache[bytes, int] = Cache(REMEMBERED_TIMES)
        """ms UTC of stamps that were read before."""

    def ms(self, stamp: bytes) -> int:
        """ms UTC of the start of the period. Raises ValueError, with a sentence."""
        time = self.known.get(stamp)
        if time is None:
            time = hj212_ms(stamp.decode("latin-1"), self._zone)
            time = day_before(time, self._zone) if self._shift == DAY else time - self._shift
            self.known.keep(stamp, time)
        return time


class Senders:
    """All devices of an inventory, by number."""

    def __init__(self, inventory: Inventory, channels: Channels, settings: CodecSettings) -> None:
        self._inventory = inventory
        self._channels = channels
        self.max_factors = settings.decode.max_factors
        self.keys = settings.keys
        self._trust_topic = settings.decode.unknown_devices == "accept"
        self._translate = settings.hj212.old_codes == "translate"
        self._zones = [inventory.sites[device.site].zone for device in inventory.devices]
        self._clocks: dict[tuple[ZoneInfo, int], Clock] = {}
        self._heads: Cache[tuple[object, ...], FrameHead] = Cache(REMEMBERED_HEADS)
        self._own_codes = [{factor.code for factor in device.factors} for device in inventory.devices]
        quarantine = _bits(settings.hj212.quarantine)
        self._masks = [quarantine & ~_bits(device.hj212.accept) for device in inventory.devices]
        self._quarantine = quarantine

    def find(self, device: int, mn: str) -> int:
        """The number of the device that a frame is from, by the device that the topic names and the MN.

        Raises `BadPayload`.
        """
        inventory = self._inventory
        known = inventory.mn_numbers.get(mn)
        if known is not None:
            of = f"MN {shown(mn)} is of device {shown(inventory.devices[known].id)}"
            if device >= 0 and device != known and not inventory.carries(device, known):
                detail = f"{of}, but the topic names {shown(inventory.devices[device].id)}"
                raise BadPayload(Reason.MN_MISMATCH, detail, mn)
            site = site_of(device)
            if site is not None and site != inventory.devices[known].site:
                where = shown(inventory.sites[site].id) if site < len(inventory.sites) else "none of the inventory"
                raise BadPayload(Reason.MN_MISMATCH, f"{of}, but the topic names {where}", mn)
            return known
        if device >= 0 and (not mn or self._trust_topic):
            return device
        if not mn:
            raise BadPayload(Reason.UNKNOWN_DEVICE, "the topic names no device of the inventory, and MN is missing")
        if device >= 0 and (own := inventory.devices[device]).mn:
            detail = f"MN {shown(mn)} is not in the inventory; the topic names {shown(own.id)}, whose MN is {own.mn}"
            raise BadPayload(Reason.MN_MISMATCH, detail, mn)
        raise BadPayload(Reason.UNKNOWN_DEVICE, f"MN {shown(mn)} is not in the inventory", mn)

    def quarantine(self, device: int) -> int:
        """Verdict bits that keep a frame of a device (-1: of none) out of the store."""
        return self._masks[device] if device >= 0 else self._quarantine

    def edition(self, device: int) -> str:
        """The edition that is configured, empty where it is to be recognised."""
        return self._inventory.devices[device].hj212.edition if device >= 0 else ""

    def zone(self, device: int) -> ZoneInfo:
        """The zone that a device's stamps are in; that of the first site for a device that is none of ours."""
        return self._zones[device] if device >= 0 else self._inventory.sites[0].zone

    def clock(self, device: int, cn: str) -> Clock:
        """Reads the DataTime of a device under a command."""
        special = self._inventory.devices[device].hj212
        shift = 0
        if special.end_stamps:
            shift = {"2051": special.minute, "2061": HOUR, "2031": DAY, "2041": DAY, "2111": 5 * 60_000}.get(cn, 0)
        return self._clock(self._zones[device], shift)

    def plain_clock(self, device: int) -> Clock:
        """Reads times of a device that are not of a period: SampleTime, QN."""
        return self._clock(self._zones[device], 0)

    def _clock(self, zone: ZoneInfo, shift: int) -> Clock:
        clock = self._clocks.get((zone, shift))
        if clock is None:
            clock = self._clocks[zone, shift] = Clock(zone, shift)
        return clock

    def head(self, device: int, edition: Edition, header: Header, verdicts: int) -> FrameHead:
        """One object for all frames of one header, where it is of a device of ours: others' are anybody's invention."""
        key = (device, edition, header.st, header.cn, header.mn, header.flag, header.pnum, header.pno, header.rf)
        found = self._heads.get((*key, verdicts))
        if found is None:
            found = FrameHead(
                *(device, edition.value, header.st, header.cn, header.mn, header.flag), *key[6:], verdicts
            )
            if device >= 0 and len(header.st) + len(header.cn) + len(header.mn) <= LONGEST_HEADER:
                self._heads.keep((*key, verdicts), found)
        return found

    def judge(self, header: Header, edition: Edition) -> int:
        """Verdict bits on a header by an edition, and on its password."""
        return header_verdicts(header, edition, self.keys).value

    def channels(self, head: FrameHead, names: Iterable[tuple[str, str]], period: str) -> list[int]:
        """Channel numbers of factors and fields. Raises `BadPayload` where there are too many."""
        device, st, own = head.device, head.st, self._own_codes[head.device]
        old = self._translate and head.edition == Edition.E2005
        number = self._channels.number
        try:
            return [
                number(ChannelKey(device, new_code(code, st) if old and code not in own else code, field, period))
                for code, field in names
            ]
        except ChannelsFull as full:
            raise BadPayload(Reason.CHANNELS_FULL, str(full)) from None


def flags_of(edition: str, st: str) -> Callable[[str], int]:
    """What turns the text of a data flag into its code, in frames of an edition and a system type."""
    normal = RULES[Edition(edition)].normal_flags.get(st)
    if normal is None:
        return flag_code
    return lambda text: NORMAL if text == normal else flag_code(text)


def _bits(words: Iterable[str]) -> int:
    bits = 0
    for word in words:
        bits |= WORDS[word].value
    return bits
