"""Keys and passwords from file and environment: what is taken, how mistakes are named, and that no secret is told."""

from __future__ import annotations

from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from gateway.commands.check import command
from gateway.errors import ConfigError
from gateway.hj212.keys import DeviceSecrets
from gateway.keys_file import check_keys, load_keys

MN = "010000A8900016F000169DC0"
KEY, OTHER = "00112233445566778899aabbccddeeff", "FFEEDDCCBBAA99887766554433221100"
JANUARY, APRIL = 1_767_196_800_000, 1_774_972_800_000


def written(folder: Path, text: str) -> Path:
    file = folder / "keys.toml"
    file.write_text(text)
    file.chmod(0o600)
    return file


def test_keys_are_tried_from_the_one_in_force_backwards(tmp_path: Path) -> None:
    file = written(
        tmp_path,
        f"[devices.{MN}]\n"
        'password = "123456"\n'
        "keys = [\n"
        '  { from = 2026-04-01T00:00:00+08:00, text = "sixteen letters!" },\n'
        f'  {{ from = 2026-01-01T00:00:00+08:00, key = "{KEY}" }},\n'
        "]\n",
    )
    ring = load_keys(file, {})
    older, newer = bytes.fromhex(KEY), b"sixteen letters!"
    assert ring.password(MN) == "123456"
    assert ring.keys(MN, APRIL) == (newer, older)
    assert ring.keys(MN, APRIL - 1) == (older, newer)
    assert ring.keys(MN, JANUARY - 1) == (older, newer)
    assert ring.keys("another", APRIL) == ()


def test_a_key_without_a_time_holds_from_ever(tmp_path: Path) -> None:
    assert load_keys(written(tmp_path, f'[devices.A]\nkeys = [{{ key = "{KEY}" }}]'), {}).keys("A", 1) == (
        bytes.fromhex(KEY),
    )


@pytest.mark.parametrize(
    ("environment", "keys"),
    [
        ({"HJ212_KEY_A": KEY}, [KEY]),
        ({"HJ212_KEY_A": f"2026-01-01T00:00:00+08:00={KEY},2026-04-01T00:00:00+08:00={OTHER}"}, [OTHER, KEY]),
        ({"HJ212_KEY_A": f"{KEY}, 2026-03-31T16:00:00Z={OTHER}"}, [OTHER, KEY]),
    ],
)
def test_keys_come_from_the_environment_without_a_file(environment: dict[str, str], keys: list[str]) -> None:
    ring = load_keys(None, environment | {"HJ212_PASSWORD_A": "secret", "PATH": "/bin"})
    assert ring.keys("A", APRIL) == tuple(map(bytes.fromhex, keys))
    assert ring.password("A") == "secret"


def test_a_file_may_name_variables(tmp_path: Path) -> None:
    file = written(tmp_path, '[devices.A]\npassword_env = "PW_OF_A"\nkey_env = "KEY_OF_A"')
    ring = load_keys(file, {"PW_OF_A": "secret", "KEY_OF_A": KEY})
    assert (ring.password("A"), ring.keys("A", 1)) == ("secret", (bytes.fromhex(KEY),))


def test_the_environment_adds_keys_and_its_password_wins(tmp_path: Path) -> None:
    text = f'[devices.A]\npassword = "old"\nkeys = [{{ from = 2026-01-01T00:00:00+08:00, key = "{KEY}" }}]'
    environment = {"HJ212_PASSWORD_A": "new", "HJ212_KEY_A": f"2026-04-01T00:00:00+08:00={OTHER}"}
    ring = load_keys(written(tmp_path, text), environment)
    assert ring.password("A") == "new"
    assert ring.keys("A", APRIL) == (bytes.fromhex(OTHER), bytes.fromhex(KEY))


HEX = "expected 32 hexadecimal digits (a key of 16 letters is given as text)"
IN_ENVIRONMENT = "expected 32 hexadecimal digits, or time=digits with commas between several"
PASSWORD = "expected 1 to 64 letters or digits in quotes, without blanks and without ; , & ="
MOMENT = "expected a time with its offset and without quotes, as 2026-01-01T00:00:00+08:00"


@pytest.mark.parametrize(
    ("text", "line", "mistake"),
    [
        ("\n[device.A]", 2, "device: unknown key; did you mean 'devices'?"),
        ("devices = 1", 1, "devices: expected a table for each MN, not a single value"),
        ('[devices]\nA = "S3CRET"', 2, "devices.A: expected a table, not text"),
        (
            '[devices."a b"]',
            1,
            "devices.a b: is no MN: expected 1 to 64 characters without blanks and without ; , & = #",
        ),
        ("[devices.A]\npasword = 'S3CRET'", 2, "devices.A.pasword: unknown key; did you mean 'password'?"),
        ("[devices.A]\npassword = 'S3CRET;'", 2, f"devices.A.password: {PASSWORD}"),
        ("[devices.A]\npassword = 123456", 2, f"devices.A.password: {PASSWORD}"),
        (
            "[devices.A]\npassword = 'S3CRET'\npassword_env = 'GOOD'",
            3,
            "devices.A.password_env: give password or password_env, not both",
        ),
        (
            "[devices.A]\npassword_env = 'NONE'",
            2,
            "devices.A.password_env: the environment has no variable 'NONE'",
        ),
        (
            "[devices.A]\npassword_env = 5",
            2,
            "devices.A.password_env: expected the name of an environment variable in quotes",
        ),
        ("[devices.A]\npassword_env = 'BAD'", 2, f"devices.A.password_env: in that variable {PASSWORD}"),
        ("[devices.A]\nkey_env = 'BAD'", 2, f"devices.A.key_env: in that variable {IN_ENVIRONMENT}"),
        ("[devices.A]\nkeys = 'S3CRET'", 2, "devices.A.keys: expected an array of tables, not text"),
        ("[devices.A]\nkeys = ['S3CRET']", 2, "devices.A.keys.0: expected a table with from and key, not text"),
        ("[devices.A]\nkeys = [\n{ from = 2026-01-01T00:00:00Z }]", 3, "devices.A.keys.0: key is missing"),
        (
            f"[devices.A]\nkeys = [{{ key = '{KEY}', text = 'S3CRET' }}]",
            2,
            "devices.A.keys.0: give key or text, not both",
        ),
        ("[devices.A]\nkeys = [{ key = 'S3CRET' }]", 2, f"devices.A.keys.0.key: {HEX}"),
        (
            "[devices.A]\nkeys = [{ text = 'S3CRET' }]",
            2,
            "devices.A.keys.0.text: expected 16 ASCII characters in quotes",
        ),
        (
            f"[devices.A]\nkeys = [{{ key = '{KEY}', form = 1 }}]",
            2,
            "devices.A.keys.0.form: unknown key; did you mean 'from'?",
        ),
        (
            f"[devices.A]\nkeys = [{{ from = 2026-01-01T00:00:00, key = '{KEY}' }}]",
            2,
            f"devices.A.keys.0.from: {MOMENT}",
        ),
        (f"[devices.A]\nkeys = [{{ from = '2026', key = '{KEY}' }}]", 2, f"devices.A.keys.0.from: {MOMENT}"),
        (
            f"[devices.A]\nkeys = [{{ key = '{KEY}' }},\n{{ key = '{OTHER}' }}]",
            3,
            "devices.A.keys.1.from: another key is valid from the same time: one of them is never used",
        ),
        ("[devices.A\n", 1, "not TOML: Expected ']' at the end of a table declaration (column 11)"),
    ],
)
def test_a_mistake_is_named_with_file_line_and_field_and_without_the_secret(
    text: str, line: int, mistake: str, tmp_path: Path
) -> None:
    file = written(tmp_path, text)
    environment = {"GOOD": "123456", "BAD": "S3CRET with blanks"}
    assert check_keys(file, environment).mistakes == [f"{file}:{line}: {mistake}"]
    with pytest.raises(ConfigError) as raised:
        load_keys(file, environment)
    for secret in ("S3CRET", KEY, OTHER, "123456"):
        assert secret not in str(raised.value)


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("HJ212_KEY_A", "S3CRET", IN_ENVIRONMENT),
        ("HJ212_KEY_A", f"2026-01-01T00:00:00={KEY}", IN_ENVIRONMENT),
        ("HJ212_KEY_A", f"soon={KEY}", IN_ENVIRONMENT),
        ("HJ212_PASSWORD_A", "S3 CRET", PASSWORD),
    ],
)
def test_a_mistake_in_the_environment_is_named_by_its_variable(name: str, text: str, expected: str) -> None:
    assert check_keys(None, {name: text}).mistakes == [f"environment: {name}: {expected}"]


def test_a_file_that_is_not_there_is_a_mistake(tmp_path: Path) -> None:
    file = tmp_path / "none.toml"
    assert check_keys(file, {}).mistakes == [f"{file}:1: cannot be read: No such file or directory"]


def test_a_file_that_everybody_can_read_is_a_warning(tmp_path: Path) -> None:
    file = written(tmp_path, "")
    assert check_keys(file, {}).warnings == []
    file.chmod(0o644)
    assert check_keys(file, {}).warnings == [
        f"{file}:1: file: can be read by everybody on this machine (mode 0644): chmod 600 it"
    ]


def test_secrets_are_not_in_what_is_printed_of_their_objects(tmp_path: Path) -> None:
    file = written(tmp_path, f'[devices.A]\npassword = "S3CRET"\nkeys = [{{ key = "{KEY}" }}]')
    ring = load_keys(file, {})
    shown = repr(DeviceSecrets("S3CRET", ((0, bytes.fromhex(KEY)),))) + repr(ring) + repr(check_keys(file, {}))
    assert "S3CRET" not in shown
    assert repr(bytes.fromhex(KEY)) not in shown


SETTINGS = (
    '[[links]]\nname = "a"\n[hj212]\nkeys_file = "keys.toml"\n'
    '[[sites]]\nid = "s"\nlatitude = 33\nlongitude = 112\n'
    '[[devices]]\nid = "d"\nsite = "s"\nkind = "stack"\ninterval_s = 1\nmn = "A"\nfactors = [{ code = "a21026" }]\n'
)


def test_gateway_check_looks_at_the_keys_too(tmp_path: Path) -> None:
    app = typer.Typer()
    app.command()(command)
    config = tmp_path / "c.toml"
    config.write_text(SETTINGS)
    file = written(tmp_path, f'[devices.A]\nkeys = [{{ key = "{KEY}" }}]\n[devices.B]\npassword = "123456"\n')
    result = CliRunner().invoke(app, [str(config)])
    assert result.exit_code == 0
    assert f"{file}:3: devices.B: no device has this MN [warning]" in result.stdout
    file.write_text("[devices.A]\nkeys = [{ key = 'S3CRET' }]\n")
    result = CliRunner().invoke(app, [str(config)])
    assert result.exit_code == 1
    assert result.stdout.splitlines() == [f"{file}:2: devices.A.keys.0.key: {HEX}"]
