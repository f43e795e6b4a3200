"""Reading the configuration: every mistake is one line with file, line and field, and all come at once."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from gateway.config import DuckDb
from gateway.config_file import check, load
from gateway.errors import ConfigError

LINK = '[[links]]\nname = "main"\n'
SITE = '[[sites]]\nid = "s"\nlatitude = 33\nlongitude = 112\n'


def mistakes(folder: Path, text: str | bytes) -> list[str]:
    """The mistakes in a file, without the folder."""
    file = folder / "c.toml"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return [line.removeprefix(f"{folder}/") for line in check(file).mistakes]


def test_the_least_configuration_is_one_named_link(tmp_path: Path) -> None:
    file = tmp_path / "c.toml"
    file.write_text(LINK)
    config, inventory = load(file)
    assert [link.name for link in config.links] == ["main"]
    assert config.links[0].url == "mqtt://127.0.0.1:1883"
    assert inventory.devices == ()


CASES = [
    ("unknown key at the top", 'dta = "x"\n' + LINK, "c.toml:1: dta: unknown key; did you mean 'data'?"),
    ("unknown key in a link", LINK + "qoss = 1\n", "c.toml:3: links.0.qoss: unknown key; did you mean 'qos'?"),
    (
        "unknown key in a store",
        LINK + '[store]\nkind = "duckdb"\nfil = "x"\n',
        "c.toml:5: store.fil: unknown key; did you mean 'file'?",
    ),
    (
        "unknown key far from any",
        LINK + "[journal]\nxyz = 1\n",
        "c.toml:4: journal.xyz: unknown key; known: max_mib, segment_mib, warn_share",
    ),
    ("wrong choice", LINK + "qos = 2\n", "c.toml:3: links.0.qos: expected 0 or 1, not 2"),
    ("text for a number", LINK + '[api]\nport = "80"\n', "c.toml:4: api.port: expected a whole number, not '80'"),
    (
        "true for a number",
        LINK + "keepalive_s = true\n",
        "c.toml:3: links.0.keepalive_s: expected a whole number, not true",
    ),
    ("number for true", LINK + "[api]\nconsole = 1\n", "c.toml:4: api.console: expected true or false, not 1"),
    ("number too large", LINK + "[api]\nport = 65536\n", "c.toml:4: api.port: expected at most 65535, not 65536"),
    ("not finite", "silence_check_s = inf\n" + LINK, "c.toml:1: silence_check_s: expected a finite number, not inf"),
    ("zero seconds", "silence_check_s = 0\n" + LINK, "c.toml:1: silence_check_s: expected a number over 0, not 0"),
    ("date for text", "data = 2024-05-01\n" + LINK, "c.toml:1: data: expected text in quotes, not a table"),
    ("table for a number", LINK + "[api.port]\n", "c.toml:3: api.port: expected a whole number, not a table"),
    ("value for a table", "api = 8080\n" + LINK, "c.toml:1: api: expected a table, not 8080"),
    ("no links", "links = []\n", "c.toml:1: links: is missing: without links or listeners nothing comes in"),
    ("links not given", "", "c.toml:1: links: is missing: without links or listeners nothing comes in"),
    ("name not given", "[[links]]\nqos = 1\n", "c.toml:1: links.0.name: is missing"),
    (
        "name with a slash",
        '[[links]]\nname = "a/b"\n',
        "c.toml:2: links.0.name: expected 1 to 64 letters (A-Z a-z), digits, '_', '.' and '-', not 'a/b'",
    ),
    (
        "address of another kind",
        LINK + 'url = "http://x"\n',
        "c.toml:3: links.0.url: expected mqtt://host[:port] or mqtts://host[:port], not 'http://x'",
    ),
    (
        "address with a port out of range",
        LINK + 'url = "mqtt://x:99999"\n',
        "c.toml:3: links.0.url: expected mqtt://host[:port] or mqtts://host[:port], not 'mqtt://x:99999' "
        "(Port out of range 0-65535)",
    ),
    (
        "password in the address",
        LINK + 'url = "mqtt://me:secret@x"\n',
        "c.toml:3: links.0.url: no user or password in the address: use login.username and login.password_file",
    ),
    (
        "two sources of a password",
        LINK + 'login.username = "u"\nlogin.password_file = "f"\nlogin.password_env = "E"\n',
        "c.toml:5: links.0.login.password_env: give password_file or password_env, not both",
    ),
    (
        "password of nobody",
        LINK + 'login = { password_env = "E" }\n',
        "c.toml:3: links.0.login.username: is missing: a password is given without a user",
    ),
    (
        "certificate without its key",
        LINK + '[links.tls]\ncert_file = "x"\n',
        "c.toml:3: links.0.tls.key_file: is missing: cert_file and key_file go together",
    ),
    (
        "two links of one name",
        LINK + LINK + 'client_id = "b"\n',
        "c.toml:4: links.1.name: 'main' is the name of links.0 too",
    ),
    (
        "two links of one session, the port written once",
        LINK + '[[links]]\nname = "b"\nurl = "mqtt://127.0.0.1"\nclient_id = "pollution-gateway"\n',
        "c.toml:6: links.1.client_id: 'pollution-gateway' on the same broker as links.0: "
        "the two would end each other's session",
    ),
    (
        "placeholder not known",
        LINK + 'subscribe = [\n  { topic = "p/{sit}" },\n]\n',
        "c.toml:4: links.0.subscribe.0.topic: topic 'p/{sit}': {sit} is not known; "
        "expected {site}, {device} or {camera}",
    ),
    (
        "pictures of no camera",
        LINK + 'subscribe = [{ topic = "p/{device}", codec = "jpeg" }]\n',
        "c.toml:3: links.0.subscribe.0.topic: topic 'p/{device}' names no camera: pictures need a level {camera}",
    ),
    (
        "topic of alerts with a placeholder of detections",
        LINK + '[publish]\nalert_topic = "a/{camera}"\n',
        "c.toml:4: publish.alert_topic: topic 'a/{camera}': {camera} is not known; expected {site} or {alert}",
    ),
    (
        "replies with a placeholder of cameras",
        LINK + 'reply_topic = "a/{camera}"\n',
        "c.toml:3: links.0.reply_topic: topic 'a/{camera}': {camera} is not known; expected {site} or {device}",
    ),
    (
        "replies on a topic that we hear ourselves",
        LINK + 'reply_topic = "p/{site}/{device}"\nsubscribe = [{ topic = "{site}/x/{device}" }]\n',
        "c.toml:3: links.0.reply_topic: 'p/{site}/{device}' is a topic of the subscription '{site}/x/{device}': "
        "the gateway would hear its own replies",
    ),
    (
        "the default of replies on a topic that we hear ourselves",
        LINK + 'subscribe = [\n  { topic = "pollution/{site}/{device}/reply" },\n]\n',
        "c.toml:3: links.0.subscribe: 'pollution/{site}/{device}/reply', where replies go (reply_topic), is a topic of "
        "the subscription 'pollution/{site}/{device}/reply': the gateway would hear its own replies",
    ),
    (
        "two listeners on one port",
        '[[listeners]]\nname = "a"\n[[listeners]]\nname = "b"\n[publish]\nenabled = false\n',
        "c.toml:3: listeners.1.port: 5212 is that of listeners.0 too",
    ),
    (
        "store of an unknown kind",
        LINK + '[store]\nkind = "influx"\n',
        "c.toml:4: store.kind: expected 'duckdb', 'influxdb', 'influxdb1', not 'influx'",
    ),
    ("store of no kind", LINK + '[store]\nbucket = "b"\n', "c.toml:3: store.kind: is missing"),
    (
        "store without its bucket",
        LINK + '[store]\nkind = "influxdb"\norg = "o"\n',
        "c.toml:3: store.bucket: is missing",
    ),
    ("not TOML", LINK + "qos = \n", "c.toml:3: not TOML: Invalid value (column 7)"),
    ("key given twice", LINK + 'qos = 0\nname = "x"\n', "c.toml:4: not TOML: Cannot overwrite a value (column 11)"),
    ("text not ended", LINK + "client_id = 'x", 'c.toml:3: not TOML: Expected "\'" at the end of the file'),
    ("not UTF-8", LINK.encode() + '# 南阳\n[api]\nhost = "南阳"\n'.encode("gb18030"), "c.toml:3: is not UTF-8"),
]


@pytest.mark.parametrize(("text", "expected"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_a_mistake_is_named_with_its_line_and_field(tmp_path: Path, text: str | bytes, expected: str) -> None:
    found = mistakes(tmp_path, text)
    assert len(found) == 1, found
    assert found[0].startswith(expected) if expected.endswith("UTF-8") else found[0] == expected


MAPPED = LINK + 'subscribe = [{ topic = "x", codec = "mapped", mapping = "vendor" }]\n'
MAPPING = MAPPED + '[[mappings]]\nname = "vendor"\nfactor = "@key"\n'

MAPPING_CASES = [
    (
        "a mapping that is not there",
        MAPPED + '[[mappings]]\nname = "vendors"\nfactor = "n"\n',
        "c.toml:3: links.0.subscribe.0.mapping: no mapping 'vendor'; did you mean 'vendors'?",
    ),
    (
        "no mapping named",
        LINK + 'subscribe = [{ topic = "x", codec = "mapped" }]\n',
        'c.toml:3: links.0.subscribe.0.mapping: is missing: codec = "mapped" reads by one of the mappings',
    ),
    (
        "a mapping for another codec",
        LINK + 'subscribe = [{ topic = "x", mapping = "vendor" }]\n',
        'c.toml:3: links.0.subscribe.0.mapping: is used with codec = "mapped" only',
    ),
    (
        "lines for another codec",
        LINK + 'subscribe = [{ topic = "x", line = { precision = "s" } }]\n',
        'c.toml:3: links.0.subscribe.0.line: is used with codec = "line" only',
    ),
    (
        "a precision that is none",
        LINK + 'subscribe = [{ topic = "x", codec = "line", line = { precision = "m" } }]\n',
        "c.toml:3: links.0.subscribe.0.line.precision: expected 'ns', 'us', 'ms' or 's', not 'm'",
    ),
    (
        "two mappings of a name",
        MAPPING + '[[mappings]]\nname = "vendor"\nfactor = "n"\n',
        "c.toml:8: mappings.1.name: 'vendor' is the name of mappings.0 too",
    ),
    (
        "a path that is none",
        MAPPING + 'value = "a..b"\n',
        "c.toml:7: mappings.0.value: path 'a..b': not understood from '..b' on; see docs/payloads.md",
    ),
    (
        "a path to several values",
        MAPPING + 'unit = "a[*]"\n',
        "c.toml:7: mappings.0.unit: path 'a[*]': only `readings` may lead to several things with * or [*]",
    ),
    (
        "readings that go up",
        MAPPING + 'readings = "^.x"\n',
        "c.toml:7: mappings.0.readings: path '^.x': ^ has no meaning at the top of the message",
    ),
    ("no factor", MAPPED + '[[mappings]]\nname = "vendor"\n', "c.toml:4: mappings.0.factor: is missing"),
    (
        "a factor that is none",
        MAPPING + 'factors = { so2 = "a 1" }\n',
        "c.toml:7: mappings.0.factors.so2: expected factor or factor-Field, not 'a 1'",
    ),
    (
        "a pattern of half a time",
        MAPPING + 'time = "t"\ntime_format = "pattern"\ntime_pattern = "%H:%M"\n',
        "c.toml:9: mappings.0.time_pattern: '%H:%M' does not tell year, month, day, hour and minute",
    ),
    (
        "a format without a pattern",
        MAPPING + 'time = "t"\ntime_format = "pattern"\n',
        'c.toml:4: mappings.0.time_pattern: goes together with time_format = "pattern"',
    ),
    (
        "a format of no time",
        MAPPING + 'time_format = "epoch_s"\n',
        "c.toml:7: mappings.0.time_format: is not used without time",
    ),
    (
        "an ONVIF topic without a camera",
        LINK + 'subscribe = [{ topic = "cam/onvif-ej/#", codec = "onvif" }]\n',
        "c.toml:3: links.0.subscribe.0.topic: topic 'cam/onvif-ej/#' names no camera: "
        "events of ONVIF need a level {camera}",
    ),
]


@pytest.mark.parametrize(("text", "expected"), [case[1:] for case in MAPPING_CASES], ids=[c[0] for c in MAPPING_CASES])
def test_a_mistake_in_how_payloads_are_read_is_named_with_its_line_and_field(
    tmp_path: Path, text: str, expected: str
) -> None:
    assert mistakes(tmp_path, text) == [expected]


def test_a_mapping_without_mistakes_is_read(tmp_path: Path) -> None:
    file = tmp_path / "c.toml"
    file.write_text(MAPPING + 'time = "$.t"\ntime_format = "pattern"\ntime_pattern = "%Y-%m-%d %H:%M %z"\n')
    config, _ = load(file)
    assert config.mappings[0].time_pattern == "%Y-%m-%d %H:%M %z"
    assert config.links[0].subscribe[0].codec_key == "mapped:vendor"


def test_all_mistakes_come_at_once_in_the_order_of_the_file(tmp_path: Path) -> None:
    text = LINK + "qos = 5\n[api]\nport = -1\n" + SITE + "name = 5\n[[devices]]\nid = 7\nsite = 's'\n"
    assert [line.split(": ")[:2] for line in mistakes(tmp_path, text)] == [
        ["c.toml:3", "links.0.qos"],
        ["c.toml:5", "api.port"],
        ["c.toml:10", "sites.0.name"],
        ["c.toml:12", "devices.0.id"],
    ]


def test_load_raises_one_line_for_each_mistake(tmp_path: Path) -> None:
    file = tmp_path / "c.toml"
    file.write_text(LINK + "qos = 5\nkeepalive_s = 1\n")
    with pytest.raises(ConfigError) as raised:
        load(file)
    assert str(raised.value).splitlines() == [
        f"{file}:3: links.0.qos: expected 0 or 1, not 5",
        f"{file}:4: links.0.keepalive_s: expected at least 5, not 1",
    ]


def test_a_file_that_is_not_there_is_a_mistake_too(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"none\.toml:1: cannot be read: No such file or directory"):
        load(tmp_path / "none.toml")


def test_windows_line_ends_and_byte_order_mark_are_read(tmp_path: Path) -> None:
    file = tmp_path / "c.toml"
    file.write_bytes(b"\xef\xbb\xbf" + (LINK + "qos = 5\n").replace("\n", "\r\n").encode())
    assert check(file).mistakes == [f"{file}:3: links.0.qos: expected 0 or 1, not 5"]


def test_paths_are_relative_to_the_configuration_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc" / "c.toml").write_text(
        'data = "../var"\n' + LINK + 'login = { username = "u", password_file = "secret" }\n'
        'tls = { ca_file = "/ca.pem", cert_file = "a", key_file = "b" }\n'
    )
    (tmp_path / "etc" / "secret").write_text("open sesame\n")
    monkeypatch.chdir(tmp_path)
    config, _ = load(Path("etc/c.toml"))
    monkeypatch.chdir("/")
    assert config.data.resolve() == tmp_path / "var"
    assert config.links[0].login.password == "open sesame"
    assert config.links[0].tls.cert_file == tmp_path / "etc" / "a"
    assert config.links[0].tls.ca_file == Path("/ca.pem")
    assert isinstance(config.store, DuckDb)
    assert not config.store.file.is_absolute()  # it is below `data`


def test_the_default_data_folder_is_relative_to_the_configuration_file_too(tmp_path: Path) -> None:
    (tmp_path / "c.toml").write_text(LINK)
    assert load(tmp_path / "c.toml")[0].data == tmp_path / "var/gateway"


def test_an_inventory_in_its_own_file_is_found_beside_the_configuration(tmp_path: Path) -> None:
    (tmp_path / "c.toml").write_text('inventory = "i.toml"\n' + LINK)
    (tmp_path / "i.toml").write_text(SITE)
    assert [site.id for site in load(tmp_path / "c.toml")[1].sites] == ["s"]


def test_mistakes_in_both_files_come_at_once_each_with_its_file(tmp_path: Path) -> None:
    (tmp_path / "i.toml").write_text(SITE + 'timezone = "Mars"\nextra = 1\n[links]\n')
    found = mistakes(tmp_path, 'inventory = "i.toml"\n' + LINK + "qos = 5\n")
    assert [line.split(": ")[:2] for line in found] == [
        ["c.toml:4", "links.0.qos"],
        ["i.toml:5", "sites.0.timezone"],
        ["i.toml:6", "sites.0.extra"],
        ["i.toml:7", "links"],
    ]


def test_an_inventory_in_two_places_is_a_mistake(tmp_path: Path) -> None:
    (tmp_path / "i.toml").write_text(SITE)
    found = mistakes(tmp_path, 'inventory = "i.toml"\n' + LINK + SITE)
    assert found == ["c.toml:4: sites: stands here and in inventory = 'i.toml': move it there"]


def test_an_inventory_file_that_is_not_there_is_a_mistake(tmp_path: Path) -> None:
    assert mistakes(tmp_path, 'inventory = "i.toml"\n' + LINK) == [
        "i.toml:1: cannot be read: No such file or directory"
    ]


@pytest.mark.parametrize(
    ("text", "warning"),
    [
        (LINK + '[api]\nhost = "0.0.0.0"\n', r"c\.toml:4: api\.host: 0\.0\.0\.0 is reached from other machines"),
        (
            LINK + '[[listeners]]\nname = "tcp"\nhost = "0.0.0.0"\n',
            r"c\.toml:5: listeners\.0\.host: 0\.0\.0\.0 is reached from other machines, and HJ 212 sends passwords",
        ),
        (
            LINK + '[[listeners]]\nname = "tcp"\npassword_required = false\n',
            r"c\.toml:5: listeners\.0\.password_required: false lets in whoever knows an MN",
        ),
        (LINK + "qos = 0\n", r"c\.toml:3: links\.0\.qos: 0 loses what is sent while"),
        (
            LINK + 'url = "mqtt://broker"\nlogin = { username = "u", password_env = "P" }\n',
            r"c\.toml:3: links\.0\.url: the password goes in the clear",
        ),
        (LINK + 'tls = { ca_file = "c.toml" }\n', r"c\.toml:3: links\.0\.tls: is not used with mqtt://"),
        (
            LINK + 'url = "mqtts://b"\ntls = { ca_file = "no.pem" }\n',
            r"c\.toml:4: links\.0\.tls\.ca_file: .*no\.pem is not there",
        ),
        (LINK + '[store]\nkind = "influxdb"\norg = "o"\nbucket = "b"\n', r"c\.toml:3: store: no token_file"),
        (
            LINK + '[store]\nkind = "influxdb1"\nurl = "http://db:8086"\ndatabase = "d"\n',
            r"c\.toml:5: store\.url: .* in the clear",
        ),
        (
            LINK + '[[mappings]]\nname = "vendor"\nfactor = "n"\n',
            r"c\.toml:4: mappings\.0\.name: no subscription reads by 'vendor'",
        ),
    ],
)
def test_what_is_probably_not_meant_is_a_warning(tmp_path: Path, text: str, warning: str) -> None:
    file = tmp_path / "c.toml"
    file.write_text(text + SITE + '[[cameras]]\nid = "c"\nsite = "s"\n')
    checked = check(file)
    assert checked.mistakes == []
    assert len(checked.warnings) == 1, checked.warnings
    assert re.search(warning, checked.warnings[0])


def test_a_plain_configuration_has_no_warnings(tmp_path: Path) -> None:
    (tmp_path / "c.toml").write_text(LINK + SITE + '[[cameras]]\nid = "c"\nsite = "s"\n')
    assert check(tmp_path / "c.toml").warnings == []
