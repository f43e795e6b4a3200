"""Topics: what a topic says about the message on it, and how a topic to publish on is made.

A template is an MQTT topic in which `{site}`, `{device}` or `{camera}` stands for one whole level; one to subscribe
to may end in `/#`, which stands for whatever follows:

>>> template = Template.parse("pollution/{site}/{device}/data")
>>> template.filter
'pollution/+/+/data'
>>> template.match("pollution/river/ww-01/data")
{'site': 'river', 'device': 'ww-01'}
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from gateway.codecs.seam import UNKNOWN_DEVICE, at_site
from gateway.inventory import Inventory

PLACEHOLDERS: Final = ("site", "device", "camera")
UNKNOWN_CAMERA: Final = -1
TOPIC_BYTES: Final = 65_535
"""MQTT 3.1.1 and 5, 1.5: a string has two bytes for its length."""
CACHED_STRANGERS: Final = 10_000
STRANGER_CHARACTERS: Final = 256
"""With the number above: topics of no device of ours take at most some 3 MB, whatever a publisher invents."""


@dataclass(frozen=True, slots=True)
class Template:
    """A topic with named levels."""

    text: str
    levels: tuple[str, ...]
    """Literal levels; a placeholder keeps its braces."""

    @classmethod
    def parse(cls, text: str) -> Template:
        """Read a template to subscribe to. Raises ValueError naming the template and what is wrong with it."""
        levels = _levels(text.removesuffix("/#"))
        if text.endswith("/#"):
            levels = (*levels, "#")
        names = [level[1:-1] for level in levels if level.startswith("{")]
        for name in names:
            if name not in PLACEHOLDERS:
                raise ValueError(
                    f"topic {text!r}: {{{name}}} is not known; expected {{site}}, {{device}} or {{camera}}"
                )
            if names.count(name) > 1:
                raise ValueError(f"topic {text!r}: {{{name}}} stands there more than once")
        if levels[0] == "$share":
            raise ValueError(f"topic {text!r}: shared subscriptions are not supported")
        return cls(text, levels)

    @property
    def filter(self) -> str:
        """The MQTT topic filter to subscribe to."""
        return "/".join("+" if level.startswith("{") else level for level in self.levels)

    @property
    def open_ended(self) -> bool:
        """Whether it ends in `#`, which stands for any number of levels."""
        return self.levels[-1] == "#"

    def match(self, topic: str) -> dict[str, str] | None:
        """What the topic has in the place of each placeholder; None where it is not of this template."""
        found = topic.split("/")
        levels = self.levels
        if self.open_ended:
            levels = levels[:-1]
            del found[len(levels) :]
        if len(found) != len(levels):
            return None
        names: dict[str, str] = {}
        for level, value in zip(levels, found, strict=True):
            if level.startswith("{"):
                names[level[1:-1]] = value
            elif level != value:
                return None
        return names


@dataclass(frozen=True, slots=True)
class Route:
    """What a topic says of its messages."""

    codec: str
    """`Subscription.codec_key`; empty where the topic matches no subscription."""
    device: int = UNKNOWN_DEVICE
    """Device number; `UNKNOWN_DEVICE` where the topic names none, or `at_site`."""
    camera: int = UNKNOWN_CAMERA
    """Camera number; `UNKNOWN_CAMERA` where the topic names none, or `at_site`."""
    known: bool = False
    """Whether the topic matches a subscription and all it names is in the inventory.

    Also true where the subscription names no device: then the payload does (an MN).
    """


class Subscribed(Protocol):
    """A template and the codec of what comes by it: `gateway.config.Subscription`, and what listeners have."""

    @property
    def topic(self) -> str: ...

    @property
    def codec_key(self) -> str: ...


class Router:
    """Finds the route of a topic, remembering those it found.

    Topics of the inventory are always remembered: there are only so many. Others are remembered up to a bound.
    Where several subscriptions match a topic, the first one counts.
    """

    def __init__(self, subscriptions: Sequence[Subscribed], inventory: Inventory) -> None:
        """Raises ValueError for a template that is wrong."""
        self._templates = [(Template.parse(each.topic), each.codec_key) for each in subscriptions]
        self.has_frames = any(codec == "jpeg" for _, codec in self._templates)
        """Whether any subscription brings camera frames."""
        self._sites = {site.id: number for number, site in enumerate(inventory.sites)}
        self._devices = inventory.device_numbers
        self._cameras = inventory.camera_numbers
        self._lone_devices = _lone(inventory.device_numbers)
        self._lone_cameras = _lone(inventory.camera_numbers)
        self._routes: dict[str, Route] = {}
        self._strangers = 0

    def __len__(self) -> int:
        """How many topics are remembered."""
        return len(self._routes)

    def route(self, topic: str) -> Route:
        """The route of a topic; never raises."""
        route = self._routes.get(topic)
        return self._remember(topic) if route is None else route

    def _remember(self, topic: str) -> Route:
        route, open_ended = self._find(topic)
        if not route.known or open_ended:
            if self._strangers >= CACHED_STRANGERS or len(topic) > STRANGER_CHARACTERS:
                return route
            self._strangers += 1
        self._routes[topic] = route
        return route

    def _find(self, topic: str) -> tuple[Route, bool]:
        """The route, and whether there may be any number of such topics, so that not all can be remembered."""
        for template, codec in self._templates:
            names = template.match(topic)
            if names is not None:
                return self._named(codec, names), template.open_ended
        return Route(""), True

    def _named(self, codec: str, names: dict[str, str]) -> Route:
        site, device_id, camera_id = names.get("site"), names.get("device"), names.get("camera")
        nobody = at_site(len(self._sites))
        device, camera = UNKNOWN_DEVICE, UNKNOWN_CAMERA
        if site is not None:
            device = camera = at_site(self._sites.get(site, len(self._sites)))
        # A topic that names somebody who is not ours binds too: else whoever may write there could write as anybody.
        if device_id is not None:
            device = _number(site, device_id, self._devices, self._lone_devices, nobody)
        if camera_id is not None:
            camera = _number(site, camera_id, self._cameras, self._lone_cameras, nobody)
        return Route(codec, device, camera, nobody not in (device, camera))


def _number(site: str | None, name: str, numbers: dict[tuple[str, str], int], lone: dict[str, int], nobody: int) -> int:
    return lone.get(name, nobody) if site is None else numbers.get((site, name), nobody)


def _lone(numbers: dict[tuple[str, str], int]) -> dict[str, int]:
    """Id to number, of the ids that only one site has."""
    lone: dict[str, int] = {}
    shared: set[str] = set()
    for (_, name), number in numbers.items():
        if name in lone:
            shared.add(name)
        lone[name] = number
    return {name: number for name, number in lone.items() if name not in shared}


def format_topic(template: str, **levels: str) -> str:
    """The topic to publish on: every `{name}` level replaced.

    Raises ValueError where the template is wrong or names a level that is not given, and where a value is empty,
    has a `+`, `#`, `/` or control character, or makes the topic longer than MQTT allows.

    >>> format_topic("alerts/{site}/{alert}", site="river", alert="a1")
    'alerts/river/a1'
    """
    made: list[str] = []
    for level in _levels(template):
        if not level.startswith("{"):
            made.append(level)
            continue
        name = level[1:-1]
        if name not in levels:
            expected = " or ".join(f"{{{each}}}" for each in levels)
            raise ValueError(f"topic {template!r}: {level} is not known; expected {expected or 'no placeholder'}")
        value = levels[name]
        if not value or any(letter in "+#/" or _forbidden(letter) for letter in value):
            raise ValueError(f"topic {template!r}: {value!r} cannot be a level (empty, or with + # / or control)")
        made.append(value)
    topic = "/".join(made)
    if len(topic.encode()) > TOPIC_BYTES:
        raise ValueError(f"topic {template!r}: longer than {TOPIC_BYTES} bytes")
    return topic


def _levels(text: str) -> tuple[str, ...]:
    """The levels of a template, each wholly literal or wholly a placeholder. Raises ValueError."""
    if not text:
        raise ValueError("topic '': a topic has at least one character")
    if len(text.encode("utf-8", "replace")) > TOPIC_BYTES:
        raise ValueError(f"topic {text[:40]!r}...: longer than {TOPIC_BYTES} bytes")
    if any(_forbidden(letter) for letter in text):
        raise ValueError(f"topic {text!r}: a control character is not allowed")
    levels = tuple(text.split("/"))
    for level in levels:
        if "+" in level or "#" in level:
            raise ValueError(
                f"topic {text!r}: level {level!r} has a wildcard; write {{site}}, {{device}} or {{camera}}"
            )
        whole = level.startswith("{") and level.endswith("}") and level[1:-1].isidentifier()
        if not whole and ("{" in level or "}" in level):
            raise ValueError(f"topic {text!r}: a placeholder must fill its level, found {level!r}")
    return levels


def _forbidden(letter: str) -> bool:
    """Control characters, and surrogates, which have no UTF-8."""
    return unicodedata.category(letter) in ("Cc", "Cs")
