"""Scenario files: strict, and their mistakes are told with file, line and key."""

from __future__ import annotations

from pathlib import Path

import pytest

from simulators import library
from simulators.errors import ScenarioError

GOOD = """about = "one stack, one camera"

[[sites]]
id = "plant"
name = { en = "Plant", zh = "电厂" }
latitude = 33.0
longitude = 112.5

[types.stack]
kind = "stack"
factors = [
    { code = "a21026", unit = "mg/m3", name = { en = "SO2", zh = "二氧化硫" } },
]
limits = [{ factor = "a21026", field = "ZsRtd", above = [35.0] }]

[[devices]]
id = "one"
site = "plant"
type = "stack"
mn = "010000A8900016F000169DC0"
name = { en = "One", zh = "一" }
simulate = { codec = "hj212" }

[[cameras]]
id = "yard"
site = "plant"
name = { en = "Yard", zh = "院" }
simulate = { scene = "yard" }

[[cameras.zones]]
id = "middle"
name = { en = "Middle", zh = "中" }
polygon = [[0.3, 0.5], [0.7, 0.5], [0.7, 0.9]]

[[incidents]]
kind = "exceedance"
site = "plant"
device = "one"
factor = "a21026"
reach = 60.0
start_s = 5.0
duration_s = 20.0
"""


def mistakes(tmp_path: Path, text: str) -> str:
    file = tmp_path / "wrong.toml"
    file.write_text(text, "utf-8")
    with pytest.raises(ScenarioError) as caught:
        library.load(str(file))
    return str(caught.value).replace(str(file), "FILE")


def test_the_good_one_is_read(tmp_path: Path) -> None:
    file = tmp_path / "good.toml"
    file.write_text(GOOD, "utf-8")
    scenario = library.load(str(file))
    assert scenario.kind(scenario.devices[0]) == "stack"


@pytest.mark.parametrize(
    ("right", "wrong", "told"),
    [
        ('unit = "mg/m3"', 'units = "mg/m3"', "FILE:12: types.stack.factors.0.units: Extra inputs"),
        ("latitude = 33.0", "latitude = 133.0", "FILE:6: sites.0.latitude: Input should be less"),
        ('mn = "010000', 'nm = "010000', "FILE:20: devices.0.nm: Extra inputs"),
        ('scene = "yard"', 'scene = "moon"', "FILE:28: cameras.0.simulate.scene: Input should be 'gate'"),
        ("polygon = [[0.3, 0.5]", "polygon = [[3.0, 0.5]", "FILE:33: cameras.0.zones.0.polygon.0.0: Input should"),
        ("reach = 60.0", 'reach = "high"', "FILE:40: incidents.0.exceedance.reach: Input should be a valid number"),
        ('kind = "exceedance"', 'kind = "explosion"', "FILE:35: incidents.0: Input tag 'explosion'"),
        ("above = [35.0]", "above = [35.0], below = [1.0]", "either `above` or `below`"),
        ("latitude = 33.0", 'latitude = 33.0\ntimezone = "Mars/Base"', "no time zone 'Mars/Base'"),
        ("duration_s = 20.0", "duration_s = 20.0\nevery_s = 10.0", "every_s needs a duration_s that is shorter"),
        ("latitude = 33.0", "latitude = ", "FILE:6: Invalid value"),
        ("latitude = 33.0", "latitude = nan", "FILE:6: sites.0.latitude: Input should be a finite number"),
        ("latitude = 33.0", "latitude = true", "FILE:6: sites.0.latitude: Input should be a number, not true or false"),
        ("start_s = 5.0", "start_s = 1e12", "FILE:41: incidents.0.exceedance.start_s: Input should be less"),
        (
            'zh = "二氧化硫" } },',
            'zh = "二" } },\n    { code = 5 },',
            "FILE:13: types.stack.factors.1.code: Input should be",
        ),
        ("above = [35.0]", 'above = ["x"]', "FILE:14: types.stack.limits.0.above.0: Input should be a valid number"),
        ("above = [35.0]", "above = [70.0, 35.0]", "FILE:14: types.stack.limits.0: the levels of `above` must go up"),
        ("above = [35.0]", "below = [4.0, 6.0]", "FILE:14: types.stack.limits.0: the levels of `below` must go down"),
        ("above = [35.0]", "above = []", "FILE:14: types.stack.limits.0.above: Tuple should have at least 1 item"),
        ('field = "ZsRtd"', 'field = "Rdt"', "FILE:14: types.stack.limits.0.field: String should match"),
        ('field = "ZsRtd"', 'field = "Avg"', "FILE:14: types.stack.limits.0: realtime data have no field 'Avg'"),
        ("[[devices]]", "[[device]]", "FILE:16: device: Extra inputs"),
    ],
)
def test_a_mistake_in_a_key_names_file_line_and_key(tmp_path: Path, right: str, wrong: str, told: str) -> None:
    assert right in GOOD
    assert told in mistakes(tmp_path, GOOD.replace(right, wrong, 1))


@pytest.mark.parametrize(
    ("right", "wrong", "told"),
    [
        ('site = "plant"\ntype', 'site = "plan"\ntype', "FILE:18: device one: no site 'plan'"),
        ('type = "stack"', 'type = "stick"', "FILE:19: device one: no type 'stick'"),
        ('kind = "stack"', 'kind = "volcano"', "device one: no process 'volcano'; known: stack, wastewater, ambient"),
        ('code = "a21026"', 'code = "w01018"', "its process makes no factor 'w01018'"),
        ('limits = [{ factor = "a21026"', 'limits = [{ factor = "a21002"', "a limit on 'a21002', which it does not"),
        ('field = "ZsRtd"', 'period = "hour", field = "ZsAvg"', "a limit on hour data, which it does not send"),
        ('mn = "010000A8900016F000169DC0"\n', "", "device one: HJ 212 needs an mn"),
        ('simulate = { codec = "hj212" }', 'interval_s = 0.5\nsimulate = { codec = "hj212" }', "must be 1 or more"),
        ('device = "one"', 'device = "two"', "FILE:35: incidents.0 (exceedance): no device 'two' at site 'plant'"),
        ('factor = "a21026"\nreach', 'factor = "a21002"\nreach', "device one does not send 'a21002'"),
        (
            'kind = "exceedance"',
            'kind = "person"\nsite = "plant"\ncamera = "yard"\nzone = "edge"\nstart_s = 1.0\nduration_s = 2.0\n'
            '[[incidents]]\nkind = "exceedance"',
            "camera yard has no zone 'edge'",
        ),
    ],
)
def test_what_does_not_fit_together_is_told(tmp_path: Path, right: str, wrong: str, told: str) -> None:
    assert right in GOOD
    assert told in mistakes(tmp_path, GOOD.replace(right, wrong, 1))


def test_each_mistake_has_one_line_of_its_own(tmp_path: Path) -> None:
    two = GOOD.replace('site = "plant"\ntype', 'site = "plan"\ntype').replace('device = "one"', 'device = "two"')
    told = mistakes(tmp_path, two.replace("latitude = 33.0", "latitude = 33.0 # [[devices]] are below"))
    assert [line.split(" ")[0] for line in told.splitlines()] == ["FILE:18:", "FILE:35:"]
    # That no site is left is no mistake beside that of the site.
    assert len(mistakes(tmp_path, GOOD.replace("longitude = 112.5", 'longitude = "east"')).splitlines()) == 1


def test_a_name_that_is_no_scenario_lists_the_ready_ones() -> None:
    with pytest.raises(ScenarioError, match=r"no ready scenario .*demo"):
        library.load("nonsense")


def test_a_device_overrides_its_type_key_by_key() -> None:
    demo = library.load("demo")
    inlet = next(device for device in demo.devices if device.id == "inlet-1")
    settings = demo.resolve(inlet)
    assert settings.interval_s == 2.0
    assert settings.limits == ()
    assert settings.simulate.codec == "hj212"  # of the type
    assert settings.simulate.means["a21026"] == 2150.0  # its own
