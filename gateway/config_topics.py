"""Topics in a configuration, checked with the code that will use them.

On the parsed file and not in the models: topics and codecs are built from those, so they cannot import them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final, cast

from gateway.config import Link
from gateway.mistakes import Mistake, Place
from gateway.topics import Template, format_topic

REPLY_PLACEHOLDERS: Final = ("site", "device")
PUBLISHED: Final = {
    ("publish", "alert_topic"): ("site", "alert"),
    ("publish", "detection_topic"): ("site", "camera"),
}
"""Templates of the topics we publish on, and the placeholders they may have."""

Table = Mapping[str, Any]
HEARD_BY_DEFAULT: Final = [each.topic for each in Link.model_fields["subscribe"].default]


def topic_mistakes(raw: Table) -> list[Mistake]:
    """What is wrong with topics; values that are no text at all are left to the models."""
    found: list[Mistake] = []
    for number, link in _tables(raw, "links"):
        place: Place = ("links", number)
        found += _published(link, "will_topic", (*place, "will_topic"), ("client_id",))
        found += _published(link, "reply_topic", (*place, "reply_topic"), REPLY_PLACEHOLDERS)
        found += _loops(link, place)
        for row, subscription in _tables(link, "subscribe"):
            found += _subscribed(subscription, (*place, "subscribe", row, "topic"))
    for (section, key), placeholders in PUBLISHED.items():
        table = raw.get(section)
        if isinstance(table, dict):
            found += _published(cast("Table", table), key, (section, key), placeholders)
    return found


def _subscribed(subscription: Table, place: Place) -> Iterator[Mistake]:
    topic = subscription.get("topic")
    if not isinstance(topic, str) or not topic:
        return
    try:
        template = Template.parse(topic)
    except ValueError as error:
        yield Mistake(place, str(error))
        return
    codec = subscription.get("codec")
    if codec in ("jpeg", "onvif") and "{camera}" not in template.levels:
        what = "pictures" if codec == "jpeg" else "events of ONVIF"
        yield Mistake(place, f"topic {topic!r} names no camera: {what} need a level {{camera}}")


def _loops(link: Table, place: Place) -> Iterator[Mistake]:
    """Subscriptions that would bring our own replies back to us."""
    reply = link.get("reply_topic", Link.model_fields["reply_topic"].default)
    if not isinstance(reply, str) or not reply:
        return
    levels = reply.split("/")
    topics = [row.get("topic") for _, row in _tables(link, "subscribe")] if "subscribe" in link else HEARD_BY_DEFAULT
    for topic in topics:
        if isinstance(topic, str) and _meet(levels, topic.split("/")):
            given = "reply_topic" in link
            where = repr(reply) if given else f"{reply!r}, where replies go (reply_topic),"
            text = f"{where} is a topic of the subscription {topic!r}: the gateway would hear its own replies"
            yield Mistake((*place, "reply_topic" if given else "subscribe"), text)


def _meet(one: list[str], other: list[str]) -> bool:
    """Whether a topic can be of both templates."""
    return len(one) == len(other) and all(
        mine == theirs or mine.startswith("{") or theirs.startswith("{")
        for mine, theirs in zip(one, other, strict=True)
    )


def _published(table: Table, key: str, place: Place, placeholders: tuple[str, ...]) -> Iterator[Mistake]:
    topic = table.get(key)
    if isinstance(topic, str) and topic:
        try:
            format_topic(topic, **dict.fromkeys(placeholders, "x"))
        except ValueError as error:
            yield Mistake(place, str(error))


def _tables(table: Table, key: str) -> Iterator[tuple[int, Table]]:
    """The tables in an array of tables, with their numbers."""
    rows = table.get(key)
    for number, row in enumerate(cast("list[Any]", rows) if isinstance(rows, list) else []):
        if isinstance(row, dict):
            yield number, cast("Table", row)
