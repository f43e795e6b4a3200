"""Topics: templates to filters and back, routes by the inventory, topics to publish on."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway import topics
from gateway.codecs.seam import at_site
from gateway.config import Subscription
from gateway.inventory import Camera, Device, Inventory, Name, Site
from gateway.topics import Route, Router, Template, format_topic

NAME = Name("n", "名")
NOBODY = at_site(2)
"""What stands for a topic that names what is not ours: that of the number of sites."""


def site(name: str) -> Site:
    return Site(name, NAME, 0.0, 0.0, ZoneInfo("Asia/Shanghai"))


def device(name: str, at: int) -> Device:
    return Device(name, at, NAME, "", "stack", 60_000, 180_000, ())


def camera(name: str, at: int) -> Camera:
    return Camera(name, at, NAME, (), 60_000)


INVENTORY = Inventory(
    sites=(site("river"), site("harbour")),
    devices=(device("ww-01", 0), device("so2-01", 1), device("met", 0), device("met", 1)),
    cameras=(camera("gate", 0), camera("gate", 1), camera("quay", 1)),
    limits=(),
)

level = st.text(st.characters(exclude_characters="+#/{}", exclude_categories=("Cc", "Cs")), min_size=1, max_size=12)
value = st.text(st.characters(exclude_characters="+#/", exclude_categories=("Cc", "Cs")), min_size=1, max_size=12)


@pytest.mark.parametrize(
    ("text", "topic_filter"),
    [
        ("pollution/{site}/{device}/data", "pollution/+/+/data"),
        ("camera/{site}/{camera}/frame", "camera/+/+/frame"),
        ("{device}", "+"),
        ("/plant/{site}", "/plant/+"),
        ("工厂/{site}/数据", "工厂/+/数据"),
        ("plain", "plain"),
    ],
)
def test_a_template_has_a_filter_with_a_wildcard_for_each_placeholder(text: str, topic_filter: str) -> None:
    assert Template.parse(text).filter == topic_filter


@pytest.mark.parametrize(
    ("text", "topic", "names"),
    [
        ("p/{site}/{device}", "p/river/ww-01", {"site": "river", "device": "ww-01"}),
        ("p/{site}/{device}", "p/river//", None),
        ("p/{site}/{device}", "p/river/", {"site": "river", "device": ""}),
        ("p/{site}/{device}", "p/river", None),
        ("p/{site}/{device}", "q/river/ww-01", None),
        ("p/{site}/{device}", "p/river/ww-01/more", None),
        ("plain", "plain", {}),
        ("plain", "Plain", None),
        ("{site}", "", {"site": ""}),
        ("{camera}/onvif-ej/#", "gate/onvif-ej/RuleEngine/Crossed/&1", {"camera": "gate"}),
        ("{camera}/onvif-ej/#", "gate/onvif-ej", {"camera": "gate"}),
        ("{camera}/onvif-ej/#", "gate/onvif-mj/x", None),
    ],
)
def test_a_topic_is_matched_level_by_level(text: str, topic: str, names: dict[str, str] | None) -> None:
    assert Template.parse(text).match(topic) == names


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "at least one character"),
        ("a/+/b", "has a wildcard"),
        ("#", "has a wildcard"),
        ("a/#/b", "has a wildcard"),
        ("a#", "has a wildcard"),
        ("a/{plant}/b", "{plant} is not known"),
        ("a/{site}/{site}", "{site} stands there more than once"),
        ("a/x-{device}/b", "must fill its level, found 'x-{device}'"),
        ("a/{device", "must fill its level"),
        ("a/device}", "must fill its level"),
        ("a/{}", "must fill its level"),
        ("a/{site}{device}", "must fill its level"),
        ("a/{site!r}", "must fill its level"),
        ("a\x00b/{site}", "control character"),
        ("$share/group/{site}", "shared subscriptions"),
    ],
)
def test_a_wrong_template_is_refused_with_its_text(text: str, words: str) -> None:
    with pytest.raises(ValueError, match="topic") as caught:
        Template.parse(text)
    assert repr(text) in str(caught.value)
    assert words in str(caught.value)


@given(
    st.lists(level.filter(lambda each: each != "$share"), max_size=5),
    st.fixed_dictionaries({"site": value, "device": value, "camera": value}),
    st.data(),
)
def test_what_is_formatted_by_a_template_is_matched_by_it(
    literals: list[str], names: dict[str, str], data: st.DataObject
) -> None:
    text = "/".join(data.draw(st.permutations([*literals, *(f"{{{name}}}" for name in names)])))
    assert Template.parse(text).match(format_topic(text, **names)) == names


ROUTES = [
    Subscription(topic="pollution/{site}/{device}/data", codec="json"),
    Subscription(topic="camera/{site}/{camera}/frame", codec="jpeg"),
    Subscription(topic="old/{device}", codec="hj212"),
    Subscription(topic="old/{camera}/jpg", codec="jpeg"),
    Subscription(topic="hj212/up", codec="hj212"),
    Subscription(topic="dtu/{site}", codec="hj212"),
    Subscription(topic="pollution/{site}/{device}/{camera}", codec="auto"),
]


@pytest.mark.parametrize(
    ("topic", "route"),
    [
        ("pollution/river/ww-01/data", Route("json", device=0, camera=at_site(0), known=True)),
        ("pollution/harbour/so2-01/data", Route("json", device=1, camera=at_site(1), known=True)),
        ("pollution/harbour/ww-01/data", Route("json", device=NOBODY, camera=at_site(1))),
        ("pollution/nowhere/ww-01/data", Route("json", device=NOBODY, camera=NOBODY)),
        ("pollution/river/met/data", Route("json", device=2, camera=at_site(0), known=True)),
        ("pollution/harbour/met/data", Route("json", device=3, camera=at_site(1), known=True)),
        ("camera/harbour/gate/frame", Route("jpeg", device=at_site(1), camera=1, known=True)),
        ("camera/river/quay/frame", Route("jpeg", device=at_site(0), camera=NOBODY)),
        ("old/ww-01", Route("hj212", device=0, known=True)),
        ("old/met", Route("hj212", device=NOBODY)),
        ("old/quay/jpg", Route("jpeg", camera=2, known=True)),
        ("old/gate/jpg", Route("jpeg", camera=NOBODY)),
        ("hj212/up", Route("hj212", known=True)),
        ("dtu/river", Route("hj212", device=at_site(0), camera=at_site(0), known=True)),
        ("dtu/moon", Route("hj212", device=NOBODY, camera=NOBODY)),
        ("pollution/river/ww-01/gate", Route("auto", device=0, camera=0, known=True)),
        ("pollution/river/ww-01/quay", Route("auto", device=0, camera=NOBODY)),
        ("something/else", Route("")),
        ("", Route("")),
    ],
)
def test_a_topic_is_routed_by_subscription_and_inventory(topic: str, route: Route) -> None:
    router = Router(ROUTES, INVENTORY)
    assert router.route(topic) == route
    assert router.route(topic) == route, "and the second time from memory"


def test_topics_of_strangers_fill_the_memory_only_to_its_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(topics, "CACHED_STRANGERS", 10)
    router = Router(ROUTES, INVENTORY)
    for number in range(100):
        assert router.route(f"pollution/river/invented-{number}/data") == Route(
            "json", device=NOBODY, camera=at_site(0)
        )
        assert router.route(f"nonsense/{number}") == Route("")
    router.route("x" * 10_000)
    known = router.route("pollution/river/ww-01/data")
    assert len(router) == 11
    assert router.route("pollution/river/ww-01/data") is known, "topics of the inventory are remembered all the same"


def test_topics_under_an_open_end_fill_the_memory_only_to_its_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(topics, "CACHED_STRANGERS", 10)
    router = Router([Subscription(topic="{site}/{camera}/onvif-ej/#", codec="onvif")], INVENTORY)
    for number in range(100):
        route = router.route(f"harbour/gate/onvif-ej/{number}")
        assert route == Route("onvif", device=at_site(1), camera=1, known=True)
    assert len(router) == 10


def test_a_very_long_topic_is_not_remembered() -> None:
    router = Router(ROUTES, INVENTORY)
    assert router.route("x" * (topics.STRANGER_CHARACTERS + 1)) == Route("")
    assert len(router) == 0


def test_a_router_of_a_wrong_template_is_refused() -> None:
    wrong = Subscription.model_construct(topic="a/+", codec="json")
    with pytest.raises(ValueError, match=r"a/\+"):
        Router([wrong], INVENTORY)


@pytest.mark.parametrize(
    ("template", "levels", "topic"),
    [
        ("alerts/{site}/{alert}", {"site": "river", "alert": "7f"}, "alerts/river/7f"),
        ("gateway/{client_id}/status", {"client_id": "pollution-gateway"}, "gateway/pollution-gateway/status"),
        ("a/{site}", {"site": "河 {x}"}, "a/河 {x}"),
        ("plain", {"site": "unused"}, "plain"),
    ],
)
def test_a_topic_is_made_of_its_levels(template: str, levels: dict[str, str], topic: str) -> None:
    assert format_topic(template, **levels) == topic


@pytest.mark.parametrize("bad", ["", "a/b", "+", "x#", "a\nb", "\x7f", "\x00", "\ud800"])
def test_a_value_that_would_change_the_topic_is_refused(bad: str) -> None:
    with pytest.raises(ValueError, match=r"alerts/\{site\}.*cannot be a level"):
        format_topic("alerts/{site}", site=bad)


@pytest.mark.parametrize(
    ("template", "words"),
    [
        ("alerts/{alert}", "{alert} is not known; expected {site}"),
        ("alerts/x{site}", "must fill its level"),
        ("alerts/#", "wildcard"),
        ("", "at least one character"),
    ],
)
def test_a_wrong_template_to_publish_on_is_refused(template: str, words: str) -> None:
    with pytest.raises(ValueError, match="topic") as caught:
        format_topic(template, site="river")
    assert words in str(caught.value)


def test_a_topic_longer_than_mqtt_allows_is_refused() -> None:
    with pytest.raises(ValueError, match="longer than 65535 bytes"):
        format_topic("a/{site}", site="河" * 22_000)
    with pytest.raises(ValueError, match="longer than 65535 bytes"):
        Template.parse("a" * 65_536)
