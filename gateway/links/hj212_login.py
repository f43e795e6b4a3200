"""Who may speak on a listener: MN and PW of a frame held against the inventory and the passwords that are kept.

What comes by a listener has topics as what comes by a broker, so that router, dead letters and replays need not know:

    tcp/plant/stack-1             of a device of the inventory
    tcp/-/-                       of no device of ours, or no frame at all
    tcp/-/-/password_wrong        of a sender that is turned away, with the reason
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass, replace
from typing import Final

from gateway.hj212.build import Answer, QnRtn, reply_to
from gateway.hj212.editions import REPLY_BIT, RULES, Edition
from gateway.hj212.header import Header
from gateway.hj212.keys import KeyRing
from gateway.inventory import Inventory

REFUSALS: Final = {"password_wrong": QnRtn.PASSWORD, "password_missing": QnRtn.PASSWORD}
"""Why a sender is turned away, and what it is told; `gateway.codecs.refused` has the sentences."""

_EDITIONS: Final = {rules.version: edition for edition, rules in RULES.items()}


@dataclass(frozen=True, slots=True)
class ListenerTopic:
    """A template of what a listener brings, and its codec, as a subscription is."""

    topic: str
    codec_key: str


def device_topic(listener: str) -> str:
    """The template of the topics of devices on a listener; also the way down to them."""
    return f"{listener}/{{site}}/{{device}}"


def listener_topics(listener: str) -> list[ListenerTopic]:
    """The templates of the topics of a listener, for the router."""
    refused = [ListenerTopic(f"{listener}/-/-/{why}", "refused") for why in REFUSALS]
    # The topic of nobody comes first: it binds to nobody, so that what was a stranger's is read once it is known.
    stranger = ListenerTopic(f"{listener}/-/-", "hj212")
    return [stranger, ListenerTopic(device_topic(listener), "hj212"), *refused]


@dataclass(frozen=True, slots=True)
class Admission:
    """What a frame is taken for."""

    topic: str
    refusal: str = ""
    """Why it is not let in: `unknown_mn`, `foreign_mn` or a word of `REFUSALS`; empty where its device is logged in
    by it."""
    told: QnRtn | None = None
    """What it is told at once; None where it is let in, or answered when it is decoded."""
    device: int = -1
    """Number of the device whose MN it has; -1 where that is unknown."""
    proven: bool = False
    """Whether its password shows that it is of that device."""


def head_of(segment: bytes) -> bytes:
    """The header of a segment: all before CP, or all where it has none."""
    end = segment.find(b"CP=&&")
    return segment if end < 0 else segment[:end]


class Door:
    """Lets devices in on one listener. The same header always gets the same answer."""

    def __init__(self, listener: str, inventory: Inventory, keys: KeyRing, *, password_required: bool) -> None:
        self._listener = listener
        self._inventory = inventory
        self._keys = keys
        self._password_required = password_required
        self.stranger = f"{listener}/-/-"
        """Topic of what comes from nobody that is known."""

    def admit(self, header: Header) -> Admission:
        """Hold MN and PW of a frame against what is known."""
        number = self._inventory.mn_numbers.get(header.mn)
        if number is None:
            return Admission(self.stranger, "unknown_mn", QnRtn.MN)
        kept = self._keys.password(header.mn)
        if kept is None and self._password_required:
            return self._turned_away("password_missing")
        if kept is not None and not hmac.compare_digest(kept.encode(), header.pw.encode()):
            return self._turned_away("password_wrong")
        device = self._inventory.devices[number]
        topic = f"{self._listener}/{self._inventory.sites[device.site].id}/{device.id}"
        return Admission(topic, device=number, proven=kept is not None)

    def admit_beside(self, first: Admission, header: Header) -> Admission:
        """Hold a frame against what is known, on a connection by which the device of `first` has come.

        Another device may come by it with its own password, or where the inventory says that one carries the other.
        Else the frame keeps the topic of `first`, where its MN makes it a dead letter and is answered as one.
        """
        admission = self.admit(header)
        if admission.refusal == "unknown_mn":
            return replace(admission, topic=first.topic, told=None)
        if admission.refusal or admission.proven or self._inventory.share_a_way(first.device, admission.device):
            return admission
        return Admission(first.topic, "foreign_mn")

    def answer(self, header: Header, told: QnRtn) -> bytes:
        """The 9011 that says why; empty where the frame asked for no reply, or has no QN to answer with."""
        flag, qn = header.flag, header.fields.get("QN", "")
        if not (flag > 0 and flag & REPLY_BIT and qn.isascii() and qn.isdigit()):
            return b""
        number = self._inventory.mn_numbers.get(header.mn)
        edition = self._inventory.devices[number].hj212.edition if number is not None else ""
        edition = edition or _EDITIONS.get(flag >> 2, Edition.E2017)
        return reply_to(Answer.REQUEST, qn=qn, edition=edition, pw=header.pw, mn=header.mn, result=told)

    def _turned_away(self, why: str) -> Admission:
        return Admission(f"{self.stranger}/{why}", why, REFUSALS[why])
