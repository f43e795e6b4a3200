"""The inventory that a scenario gives the gateway."""

from __future__ import annotations

import tomllib

from hypothesis import given
from hypothesis import strategies as st

from simulators import inventory, library, load
from simulators.scenario import Scenario
from simulators.settings import Name, Site

DEMO = library.load("demo")


def test_it_holds_everything_but_what_only_the_simulators_need() -> None:
    tables = tomllib.loads(inventory.toml(DEMO))
    assert set(tables) == {"sites", "types", "devices", "cameras"}
    assert "simulate" not in inventory.toml(DEMO)
    assert (len(tables["sites"]), len(tables["devices"]), len(tables["cameras"])) == (3, 20, 4)
    assert set(tables["sites"][0]) == {"id", "name", "latitude", "longitude", "timezone"}
    assert tables["sites"][0]["name"] == {"en": "Nanyang Power Plant", "zh": "南阳发电厂"}
    stack = tables["types"]["stack"]
    assert set(stack) == {"kind", "interval_s", "silent_after_s", "factors", "limits"}
    assert stack["factors"][0] == {"code": "a21026", "unit": "mg/m3", "name": {"en": "SO2", "zh": "二氧化硫"}}
    assert stack["limits"][0] == {
        "factor": "a21026",
        "field": "ZsRtd",
        "period": "realtime",
        "above": [35.0, 70.0],
        "hold_s": 5.0,
        "band": 0.05,
    }
    by_id = {device["id"]: device for device in tables["devices"]}
    assert set(by_id["stack-1"]) == {"id", "site", "type", "mn", "name"}
    assert by_id["inlet-1"]["limits"] == []
    assert "mn" not in by_id["boiler-1"]
    assert set(tables["cameras"][0]) == {"id", "site", "name", "silent_after_s", "zones"}
    assert set(tables["cameras"][0]["zones"][0]) == {"id", "name", "polygon", "share", "hold_s", "quiet_s"}


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_any_text_survives(text: str) -> None:
    site = Site(id="s", name=Name(en=text, zh=text), latitude=0, longitude=0)
    scenario = Scenario(about="", sites=(site,))
    assert tomllib.loads(inventory.toml(scenario))["sites"][0]["name"] == {"en": text, "zh": text}


def test_the_inventory_of_the_load_names_every_device_of_its_topics() -> None:
    tables = tomllib.loads(load.inventory(3))
    site = tables["sites"][0]["id"]
    named = {f"pollution/{site}/{device['id']}/data" for device in tables["devices"]}
    assert named == {topic for topic, _ in load.json_messages(3, 10, seed=1, start_ms=0)}
    assert tables["types"]["load"]["limits"]
