"""`gateway journal verify|stats`: whether what was acknowledged is all there, said in words, JSON and exit status."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from gateway.commands.journal import app
from gateway.config import Journal as Settings
from gateway.journal.journal import Journal
from gateway.records import Batch

RECEIVED = 1_714_536_000_000
"""2024-05-01T04:00:00Z."""
MESSAGES, BLOCKS = 60, 30
Call = Callable[..., Result]


@pytest.fixture
async def folder(tmp_path: Path) -> Path:
    """A journal of 60 messages, two a block, in several segments."""
    folder = tmp_path / "data" / "journal"
    async with Journal(folder, Settings(max_mib=16, segment_mib=1)) as journal:
        for n in range(BLOCKS):
            payloads = [b"%d" % n, bytes([n]) * 100_000]
            await journal.append([Batch("city", RECEIVED + 1000 * n, ["a", "b"], payloads, {}, lambda: None)])
        assert len(journal.segments) == 3
    return folder


@pytest.fixture
def call() -> Call:
    def run(command: str, *arguments: str | Path) -> Result:
        return CliRunner().invoke(app, [command, *map(str, arguments)])

    return run


def segments(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.journal"))


def test_a_sound_journal_is_called_so(folder: Path, call: Call) -> None:
    result = call("verify", folder)
    assert (result.exit_code, result.output) == (0, "sound: 60 messages in 30 blocks, 3 segments\n")


def test_the_statistics_say_how_much_and_of_when(folder: Path, call: Call) -> None:
    result = call("stats", folder)
    assert result.exit_code == 0
    assert result.output.splitlines() == [
        "messages   60 (positions 0 to 60)",
        "blocks     30, 2.0 messages each",
        "segments   3, 2.9 MiB",
        "received   2024-05-01T04:00:00.000+00:00 to 2024-05-01T04:00:29.000+00:00",
    ]


def test_an_empty_journal_is_sound(tmp_path: Path, call: Call) -> None:
    Journal(tmp_path, Settings()).close()
    assert call("verify", tmp_path).exit_code == 0
    result = call("stats", tmp_path)
    assert result.exit_code == 0
    assert result.output.splitlines()[-1] == "received   - to -"


def test_a_flipped_bit_is_damage_with_its_place_and_status_1(folder: Path, call: Call) -> None:
    file = segments(folder)[0]
    data = bytearray(file.read_bytes())
    data[250_000] ^= 1  # in the third block of some 100 kB
    file.write_bytes(data)
    result = call("verify", folder)
    assert result.exit_code == 1
    first, last = result.output.splitlines()
    assert first.startswith(f"damaged: {file} bytes 200")
    assert first.endswith("from message 4")
    assert last == "NOT sound: 58 messages in 29 blocks, 3 segments"


def test_a_segment_that_is_gone_is_missing_messages_and_status_1(folder: Path, call: Call) -> None:
    second = segments(folder)[1]
    first, end = int(second.stem), int(segments(folder)[2].stem)
    second.unlink()
    result = call("verify", folder)
    assert result.exit_code == 1
    assert result.output.splitlines()[0] == f"missing: messages {first} to {end - 1}, no segment holds them"


def test_segments_that_were_released_are_not_missing(folder: Path, call: Call) -> None:
    segments(folder)[0].unlink()
    result = call("verify", folder)
    assert result.exit_code == 0
    assert call("stats", folder).output.splitlines()[0] == f"messages   {60 - 22} (positions 22 to 60)"


def test_a_torn_tail_was_never_acknowledged_and_is_sound(folder: Path, call: Call) -> None:
    last = segments(folder)[-1]
    last.write_bytes(last.read_bytes()[:-1000])
    result = call("verify", folder)
    assert result.exit_code == 0
    torn, verdict = result.output.splitlines()
    assert torn.startswith("torn tail: ")
    assert torn.endswith("never acknowledged; cut off at the next start")
    assert verdict == "sound: 58 messages in 29 blocks, 3 segments"


def test_nothing_is_changed_by_looking(folder: Path, call: Call) -> None:
    last = segments(folder)[-1]
    last.write_bytes(last.read_bytes()[:-1000])
    before = {file: file.read_bytes() for file in folder.iterdir()}
    call("verify", folder)
    call("stats", folder)
    assert {file: file.read_bytes() for file in folder.iterdir()} == before


async def test_the_journal_of_a_running_gateway_can_be_looked_into(folder: Path, call: Call) -> None:
    async with Journal(folder, Settings(max_mib=16, segment_mib=1)) as journal:
        await journal.append([Batch("city", RECEIVED, ["a"], [b"x"], {}, lambda: None)])
        assert call("verify", folder).output == "sound: 61 messages in 31 blocks, 3 segments\n"


@pytest.mark.parametrize("command", ["verify", "stats"])
def test_as_json_it_is_one_object(command: str, folder: Path, call: Call) -> None:
    report = json.loads(call(command, folder, "--json").output)
    assert report["sound"] is True
    assert (report["messages"], report["blocks"], report["first"], report["end"]) == (60, 30, 0, 60)
    assert (report["oldest"], report["newest"]) == (RECEIVED, RECEIVED + 29_000)
    assert (report["damage"], report["gaps"], report["torn_bytes"]) == ([], [], 0)


def test_as_json_damage_has_its_place_and_the_status_is_1_all_the_same(folder: Path, call: Call) -> None:
    file = segments(folder)[0]
    file.write_bytes(b"x" + file.read_bytes()[1:])
    result = call("verify", folder, "--json")
    assert result.exit_code == 1
    (damage,) = json.loads(result.output)["damage"]
    assert (damage["path"], damage["start"], damage["position"]) == (str(file), 0, 0)


CONFIG = """
data = "data"
[[links]]
name = "city"
[[sites]]
id = "plant"
latitude = 33
longitude = 112
"""


def test_a_configuration_names_its_journal(folder: Path, call: Call) -> None:
    config = folder.parent.parent / "gateway.toml"
    config.write_text(CONFIG, "utf-8")
    assert call("verify", config).output == "sound: 60 messages in 30 blocks, 3 segments\n"


@pytest.mark.parametrize("command", ["verify", "stats"])
def test_where_there_is_no_journal_it_says_so(command: str, tmp_path: Path, call: Call) -> None:
    result = call(command, tmp_path / "nowhere")
    assert result.exit_code == 2
    assert result.output == f"{tmp_path / 'nowhere'}: no such folder\n"
    assert not (tmp_path / "nowhere").exists()


def test_mistakes_in_the_configuration_are_said(tmp_path: Path, call: Call) -> None:
    config = tmp_path / "gateway.toml"
    config.write_text(CONFIG + "colour = 1\n", "utf-8")
    result = call("verify", config)
    assert result.exit_code == 2
    assert f"{config}:9: sites.0.colour: unknown key" in result.output
