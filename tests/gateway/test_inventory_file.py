"""The inventory: what stands in the file is what the gateway knows, and what contradicts itself is named."""

from __future__ import annotations

import csv
import math
import tomllib
from importlib.resources import files
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.config_warnings import inventory_warnings
from gateway.factors import FactorTable
from gateway.inventory import Factor, Inventory, LimitRule, Name
from gateway.inventory_file import read_inventory
from gateway.polygon import crossing

WHOLE = """
[[sites]]
id = "nanyang-power"
name = { en = "Nanyang power", zh = "南阳热电厂" }
latitude = 32.99
longitude = 112.53

[[sites]]
id = "urumqi"
name.en = "Urumqi"
latitude = 43.8
longitude = 87.6
timezone = "Asia/Urumqi"

[types.stack]
kind = "stack"
interval_s = 1.0
silent_after_s = 12.0
factors = [
  { code = "a21026" },
  { code = "a34013", unit = "ug/m3", name = { en = "Dust", zh = "烟尘" } },
  { code = "opacity", unit = "%" },
]
limits = [
  { factor = "a21026", above = [35, 70.0], hold_s = 5.0, band = 0.1 },
  { factor = "a21026", field = "ZsAvg", period = "hour", above = [35.0], unit = "mg/m3" },
  { id = "floor", factor = "opacity", below = [3.0, 1.0] },
]

[[devices]]
id = "stack-1"
site = "nanyang-power"
type = "stack"
mn = "010000A8900016F000169DC0"
name = { en = "Stack 1", zh = "1号烟囱" }

[[devices]]
id = "stack-2"
site = "nanyang-power"
type = "stack"
interval_s = 10.0
limits = []

[[devices]]
id = "stack-1"
site = "urumqi"
kind = "ambient"
interval_s = 2.5

[[cameras]]
id = "yard"
site = "urumqi"
zones = [
  { id = "gate", polygon = [[0.3, 0.4], [0.7, 0.4], [0.7, 0.95], [0.3, 0.95]], share = 0.02, hold_s = 0.5, quiet_s = 3 }
]
"""


def inventory(text: str) -> Inventory:
    read, mistakes, _ = read_inventory(tomllib.loads(text))
    assert not mistakes
    assert read is not None
    return read


def mistakes(text: str) -> list[str]:
    read, found, _ = read_inventory(tomllib.loads(text))
    assert (read is None) == bool(found)
    return [f"{'.'.join(map(str, mistake.path))}: {mistake.text}" for mistake in found]


def test_sites_have_their_place_name_and_local_time() -> None:
    nanyang, urumqi = inventory(WHOLE).sites
    assert (nanyang.id, nanyang.latitude, nanyang.longitude) == ("nanyang-power", 32.99, 112.53)
    assert nanyang.name == Name("Nanyang power", "南阳热电厂")
    assert nanyang.zone == ZoneInfo("Asia/Shanghai")
    assert urumqi.zone == ZoneInfo("Asia/Urumqi")
    assert urumqi.name == Name("Urumqi", "Urumqi")  # one language stands for both


def test_a_device_is_found_by_site_and_id_and_by_mn() -> None:
    read = inventory(WHOLE)
    assert read.device_numbers == {
        ("nanyang-power", "stack-1"): 0,
        ("nanyang-power", "stack-2"): 1,
        ("urumqi", "stack-1"): 2,
    }
    assert read.mn_numbers == {"010000A8900016F000169DC0": 0}
    assert read.camera_numbers == {("urumqi", "yard"): 0}


def test_a_device_has_what_its_type_gives_and_its_own_wins() -> None:
    first, second, third = inventory(WHOLE).devices
    assert (first.kind, first.interval, first.silent_after) == ("stack", 1_000, 12_000)
    assert (second.kind, second.interval, second.silent_after) == ("stack", 10_000, 12_000)
    assert first.factors is second.factors  # ten thousand devices of a type share one tuple
    assert (third.kind, third.factors, third.name) == ("ambient", (), Name("stack-1", "stack-1"))


@pytest.mark.parametrize(("interval", "silent"), [(1.0, 10_000), (3.0, 10_000), (4.0, 12_000), (60.0, 180_000)])
def test_silence_is_three_intervals_and_at_least_ten_seconds_by_default(interval: float, silent: int) -> None:
    text = f"""
        sites = [{{ id = "s", latitude = 0, longitude = 0 }}]
        devices = [{{ id = "d", site = "s", kind = "k", interval_s = {interval} }}]
    """
    assert inventory(text).devices[0].silent_after == silent


def test_factors_have_unit_and_name_of_the_standard_unless_given() -> None:
    so2, dust, opacity = inventory(WHOLE).devices[0].factors
    assert so2.unit == "mg/m3"
    assert so2.name.zh == "二氧化硫"
    assert dust == Factor("a34013", "ug/m3", Name("Dust", "烟尘"))
    assert opacity == Factor("opacity", "%", Name("opacity", "opacity"))


def test_a_factor_may_state_the_temperature_its_concentrations_refer_to() -> None:
    stated = WHOLE.replace('{ code = "opacity", unit = "%" }', '{ code = "opacity", unit = "%", reference_c = 25 }')
    so2, _, opacity = inventory(stated).devices[0].factors
    assert (so2.kelvin, opacity.kelvin) == (None, 298.15)


def test_limits_become_rules_of_each_device_with_ids_that_differ() -> None:
    assert inventory(WHOLE).limits == (
        LimitRule(
            id="nanyang-power/stack-1/a21026-Rtd/above",
            device=0,
            factor="a21026",
            field="Rtd",
            period="realtime",
            side="above",
            levels=(35.0, 70.0),
            hold=5_000,
            band=0.1,
        ),
        LimitRule(
            id="nanyang-power/stack-1/a21026-ZsAvg-hour/above",
            device=0,
            factor="a21026",
            field="ZsAvg",
            period="hour",
            side="above",
            levels=(35.0,),
            hold=0,
            band=0.05,
        ),
        LimitRule(
            id="nanyang-power/stack-1/floor",
            device=0,
            factor="opacity",
            field="Rtd",
            period="realtime",
            side="below",
            levels=(3.0, 1.0),
            hold=0,
            band=0.05,
        ),
    )


def test_cameras_have_zones_in_shares_of_the_picture() -> None:
    (camera,) = inventory(WHOLE).cameras
    (zone,) = camera.zones
    assert (camera.site, camera.silent_after) == (1, 10_000)
    assert zone.polygon == ((0.3, 0.4), (0.7, 0.4), (0.7, 0.95), (0.3, 0.95))
    assert (zone.share, zone.hold, zone.quiet) == (0.02, 500, 3_000)


SITE = '[[sites]]\nid = "s"\nlatitude = 33\nlongitude = 112\n'
DEVICE = '[[devices]]\nid = "d"\nsite = "s"\nkind = "k"\ninterval_s = 1\nfactors = [{ code = "a21026" }]\n'
CAMERA = '[[cameras]]\nid = "c"\nsite = "s"\n'


def limit(text: str) -> str:
    return SITE + DEVICE + f'limits = [{{ factor = "a21026", {text} }}]\n'


def zone(polygon: str) -> str:
    return SITE + CAMERA + f'zones = [{{ id = "z", polygon = {polygon} }}]\n'


CASES = [
    ("latitude out of range", SITE.replace("33", "99"), "sites.0.latitude: expected at most 90, not 99"),
    ("longitude out of range", SITE.replace("112", "-181"), "sites.0.longitude: expected at least -180, not -181"),
    ("coordinates missing", '[[sites]]\nid = "s"\nlatitude = 1\n', "sites.0.longitude: is missing"),
    (
        "time zone misspelt",
        SITE + 'timezone = "Asia/Shangai"\n',
        "sites.0.timezone: no time zone 'Asia/Shangai' is known; did you mean 'Asia/Shanghai'?",
    ),
    (
        "time zone that is a path",
        SITE + 'timezone = "../x"\n',
        "sites.0.timezone: no time zone '../x' is known, expected an IANA name as 'Asia/Shanghai'",
    ),
    ("name empty in both languages", SITE + "name = {}\n", "sites.0.name: expected en, zh or both"),
    (
        "id with a slash",
        SITE.replace('"s"', '"a/b"'),
        "sites.0.id: expected 1 to 64 letters (A-Z a-z), digits, '_', '.' and '-', not 'a/b'",
    ),
    ("site id repeated", SITE + SITE, "sites.1.id: 's' is the id of sites.0 too"),
    ("site unknown", SITE + DEVICE.replace('"s"', '"S"'), "devices.0.site: no site 'S'; known: s"),
    ("carrier unknown", SITE + DEVICE + 'carrier = "x"\n', "devices.0.carrier: no device 'x' at that site; known: d"),
    (
        "carrier is itself",
        SITE + DEVICE + 'carrier = "d"\n',
        "devices.0.carrier: 'd' is the device itself: expected the device that has the connection",
    ),
    ("type unknown", SITE + DEVICE + 'type = "x"\n', "devices.0.type: no type 'x'"),
    ("device id repeated", SITE + DEVICE + DEVICE, "devices.1.id: 'd' is the id of devices.0 too at that site"),
    (
        "MN repeated",
        SITE + DEVICE + 'mn = "1"\n' + DEVICE.replace('"d"', '"e"') + 'mn = "1"\n',
        "devices.1.mn: '1' is the mn of devices.0 too",
    ),
    (
        "MN with a semicolon",
        SITE + DEVICE + 'mn = "1;2"\n',
        "devices.0.mn: expected text of the form ^[^\\s;=,&#]{1,64}$, not '1;2'",
    ),
    ("kind missing", SITE + DEVICE.replace('kind = "k"\n', ""), "devices.0.kind: is missing"),
    (
        "interval missing in the type too",
        SITE + '[types.t]\nkind = "k"\n' + '[[devices]]\nid = "d"\nsite = "s"\ntype = "t"\n',
        "devices.0.interval_s: is missing, here and in types.t",
    ),
    (
        "factor twice",
        SITE + DEVICE.replace("[{", '[{ code = "a21026" }, {'),
        "devices.0.factors.1.code: 'a21026' stands in these factors twice",
    ),
    (
        "unit nowhere",
        SITE + DEVICE.replace("a21026", "zz"),
        "devices.0.factors.0.unit: is missing: 'zz' has no unit in the table of HJ 212 factors",
    ),
    (
        "limit of two sides",
        limit("above = [1], below = [0]"),
        "devices.0.limits.0.below: expected above or below, not both: write two limits",
    ),
    ("limit of no side", limit("hold_s = 1"), "devices.0.limits.0: expected above = [levels] or below = [levels]"),
    ("limit of no level", limit("above = []"), "devices.0.limits.0.above: expected at least 1 entries, found 0"),
    ("levels fall", limit("above = [2, 1]"), "devices.0.limits.0.above.1: expected ascending levels, but 1 follows 2"),
    ("levels stay", limit("above = [2, 2]"), "devices.0.limits.0.above.1: expected ascending levels, but 2 follows 2"),
    (
        "levels below rise",
        limit("below = [1, 2]"),
        "devices.0.limits.0.below.1: expected descending levels, but 2 follows 1",
    ),
    ("level not finite", limit("above = [nan]"), "devices.0.limits.0.above.0: expected a finite number, not nan"),
    ("level as text", limit('above = ["1"]'), "devices.0.limits.0.above.0: expected a number, not '1'"),
    ("hold negative", limit("above = [1], hold_s = -1"), "devices.0.limits.0.hold_s: expected at least 0, not -1"),
    ("band too wide", limit("above = [1], band = 0.6"), "devices.0.limits.0.band: expected at most 0.5, not 0.6"),
    (
        "period unknown",
        limit('above = [1], period = "weekly"'),
        "devices.0.limits.0.period: expected 'realtime', 'minute', 'hour' or 'day', not 'weekly'",
    ),
    (
        "unit of another scale",
        limit('above = [1], unit = "ppm"'),
        "devices.0.limits.0.unit: expected 'mg/m3', the unit of 'a21026', not 'ppm'",
    ),
    (
        "limit on a factor that is not sent",
        SITE + DEVICE + 'limits = [{ factor = "a21027", above = [1] }]\n',
        "devices.0.limits.0.factor: 'a21027' is not among the factors; did you mean 'a21026'?",
    ),
    (
        "two limits of one name",
        SITE + DEVICE + 'limits = [{ factor = "a21026", above = [1] }, { factor = "a21026", above = [2] }]\n',
        "devices.0.limits.1.id: 'a21026-Rtd/above' is the id of limits.0 too: give one of them an id of its own",
    ),
    (
        "limit of a type on a factor that the device replaced",
        SITE
        + '[types.t]\nfactors = [{ code = "a21002" }]\nlimits = [{ factor = "a21002", above = [1] }]\n'
        + DEVICE
        + 'type = "t"\n',
        "devices.0.factors: 'a21002' is missing, on which types.t.limits.0 sets a limit",
    ),
    (
        "polygon of two corners",
        zone("[[0, 0], [1, 1]]"),
        "cameras.0.zones.0.polygon: expected at least 3 entries, found 2",
    ),
    (
        "polygon in pixels",
        zone("[[0, 0], [1, 0], [1, 640]]"),
        "cameras.0.zones.0.polygon.2.1: expected at most 1, not 640",
    ),
    (
        "polygon that crosses itself",
        zone("[[0, 0], [1, 1], [1, 0], [0, 1]]"),
        "cameras.0.zones.0.polygon: the edges from corner 0 and from corner 2 (counted from 0) cross",
    ),
    (
        "polygon without area",
        zone("[[0, 0], [0.005, 0], [0.005, 0.005]]"),
        "cameras.0.zones.0.polygon: the area is under 0.01 % of the picture; corners are shares from 0 to 1",
    ),
    (
        "polygon closed by hand",
        zone("[[0, 0], [1, 0], [1, 1], [0, 0]]"),
        "cameras.0.zones.0.polygon: the last corner repeats the first: leave it out",
    ),
    (
        "zone id repeated",
        SITE + CAMERA + "zones = [\n" + '{ id = "z", polygon = [[0, 0], [1, 0], [1, 1]] },\n' * 2 + "]\n",
        "cameras.0.zones.1.id: 'z' is the id of zones.0 too",
    ),
    ("camera id repeated", SITE + CAMERA + CAMERA, "cameras.1.id: 'c' is the id of cameras.0 too at that site"),
    (
        "key misspelt",
        SITE + DEVICE + "silent_after = 5\n",
        "devices.0.silent_after: unknown key; did you mean 'silent_after_s'?",
    ),
    (
        "key misspelt in a type",
        SITE + "[types.t]\nintervall_s = 5\n",
        "types.t.intervall_s: unknown key; did you mean 'interval_s'?",
    ),
]


@pytest.mark.parametrize(("text", "expected"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_a_mistake_is_named_with_its_field(text: str, expected: str) -> None:
    assert mistakes(text) == [expected]


@pytest.mark.parametrize("section", ["sites", "types", "devices", "cameras"])
@pytest.mark.parametrize("value", ["5", '"x"', "[5]", "{ a = 5 }", "[[]]"])
def test_a_section_of_another_form_is_a_mistake_and_nothing_worse(section: str, value: str) -> None:
    found = mistakes(f"{section} = {value}\n")
    assert found
    assert all(line.startswith(section) for line in found)


def test_one_wrong_device_does_not_hide_what_is_wrong_with_the_others() -> None:
    text = (
        SITE
        + DEVICE.replace('"d"', '"a/b"').replace('"s"', '"t"')
        + DEVICE.replace("a21026", "zz")
        + DEVICE.replace('"d"', '"e"')
        + 'limits = [{ factor = "w01018", above = [1] }]\n'
    )
    assert [line.split(": ")[0] for line in mistakes(text)] == [
        "devices.0.id",
        "devices.0.site",
        "devices.1.factors.0.unit",
        "devices.2.limits.0.factor",
    ]


def test_the_same_id_may_stand_at_two_sites() -> None:
    text = SITE + SITE.replace('"s"', '"t"') + DEVICE + DEVICE.replace('"s"', '"t"')
    assert len(inventory(text).devices) == 2


def test_ten_thousand_devices_are_read() -> None:
    types = '[types.t]\nkind = "k"\ninterval_s = 1\nfactors = [{ code = "a21026" }]\n'
    types += 'limits = [{ factor = "a21026", above = [35, 70] }]\n'
    devices = [{"id": f"d{n}", "site": "s", "type": "t", "mn": f"{n:024X}"} for n in range(10_000)]
    read, found, _ = read_inventory({**tomllib.loads(SITE + types), "devices": devices})
    assert not found
    assert read is not None
    assert len(read.limits) == len(read.mn_numbers) == 10_000


def test_carriers_are_of_the_same_site_and_carried_by_nobody() -> None:
    second = SITE.replace('"s"', '"other"') + DEVICE.replace('"s"', '"other"')
    two = DEVICE.replace('"d"', '"e"') + 'carrier = "d"\n'
    three = DEVICE.replace('"d"', '"f"')
    found = inventory(SITE + DEVICE + two + three + 'carrier = "d"\nmn = "F"\n' + second)
    d, e, f, other = range(4)
    assert (found.carries(d, e), found.carries(e, d), found.carries(other, e)) == (True, False, False)
    assert [found.carried_by(d, name) for name in ("e", "f", "F", "d", "x", "")] == [e, f, f, None, None, None]
    assert found.share_a_way(e, f)
    assert found.share_a_way(d, e)
    assert not found.share_a_way(d, other)
    chained = mistakes(SITE + DEVICE + two + three + 'carrier = "e"\n')
    assert chained == ["devices.2.carrier: 'e' is carried by another: expected the device that has the connection"]


# Doubts


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            SITE + DEVICE.replace("a21026", "a34004"),
            "devices.0.factors.0: a34004 (fine particulates PM2.5) is in ng/m3 by the standard, "
            "but hardly ever sent so: give the unit that is sent",
        ),
        (
            SITE + DEVICE + "silent_after_s = 1.5\n",
            "devices.0.silent_after_s: 1.5 s is less than 2 intervals of 1 s: "
            "one late message is an alert (default 10)",
        ),
        (
            limit('above = [1], field = "Avg"') + 'mn = "1"\n',
            "devices.0.limits.0: HJ 212 sends no Avg in realtime data: the limit will never be judged",
        ),
        (SITE, "devices: neither devices nor cameras: unless decode.unknown_devices is accept, all is dead letters"),
    ],
)
def test_what_is_probably_not_meant_is_a_warning(text: str, expected: str) -> None:
    _, found, entries = read_inventory(tomllib.loads(text))
    assert not found
    assert [f"{'.'.join(map(str, w.path))}: {w.text}" for w in inventory_warnings(entries)] == [expected]


def test_a_given_unit_and_a_json_device_raise_no_doubt() -> None:
    text = limit('above = [1], field = "Avg"').replace('"a21026" }', '"a34004", unit = "ug/m3" }, { code = "a21026" }')
    _, found, entries = read_inventory(tomllib.loads(text))
    assert not found
    assert inventory_warnings(entries) == []


# Polygons


@given(st.integers(3, 12), st.floats(0, 6), st.data())
def test_a_star_shaped_polygon_is_plain_and_with_two_corners_swapped_it_crosses(
    count: int, turn: float, data: st.DataObject
) -> None:

    corners = [
        (0.5 + 0.4 * math.cos(turn + 2 * math.pi * n / count), 0.5 + 0.4 * math.sin(turn + 2 * math.pi * n / count))
        for n in range(count)
    ]
    assert crossing(corners) is None
    assert crossing(corners[::-1]) is None
    if count >= 4:
        place = data.draw(st.integers(0, count - 2))
        corners[place], corners[place + 1] = corners[place + 1], corners[place]
        assert crossing(corners) is not None


@pytest.mark.parametrize(
    "corners",
    [
        [(0, 0), (1, 0), (0.5, 0)],
        [(0, 0), (1, 0), (1, 0), (1, 1)],
        [(0, 0), (1, 0), (1, 1), (0.5, 0)],
        [(0, 0), (1, 0), (1, 1), (0, 0)],
    ],
    ids=["folded flat", "corner twice in a row", "corner on another edge", "closed by hand"],
)
def test_a_polygon_that_touches_itself_is_not_plain(corners: list[tuple[float, float]]) -> None:
    assert crossing(corners) is not None


# The factor table


def test_every_row_of_the_factor_table_has_a_code_of_its_own_and_names_in_both_languages() -> None:
    rows = list(csv.DictReader(files("gateway").joinpath("data", "factors.csv").read_text("utf-8").splitlines()))
    assert list(rows[0]) == ["code", "old_code", "name_zh", "name_en", "unit", "format", "medium"]
    assert len({row["code"] for row in rows}) == len(rows) > 400
    assert all(row["name_zh"] and row["name_en"] for row in rows)
    old = [row["old_code"] for row in rows if row["old_code"]]
    assert len(set(old)) == len(old)


@pytest.mark.parametrize(
    ("code", "row"),
    [("a21026", "a21026"), ("w01018", "w01018"), ("011", "w01018"), ("e30105", "e301xx"), ("i33312", "i3331x")],
)
def test_a_factor_is_found_by_its_code_its_old_code_and_with_the_number_of_an_equipment(code: str, row: str) -> None:
    known = FactorTable.load().get(code)
    assert known is not None
    assert known.code == row


def test_a_code_that_is_not_in_the_table_is_none() -> None:
    assert FactorTable.load().get("a99999") is None
