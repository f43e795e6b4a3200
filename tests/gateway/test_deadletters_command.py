"""`gateway deadletters`: what went wrong can be read, and be given another chance."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from gateway.alerts.ledger import Ledger
from gateway.commands.deadletters import LEDGER_FILE, app
from gateway.records import DeadLetter

CONFIG = """
data = "data"

[[links]]
name = "main"

[[sites]]
id = "north"
name = { en = "North Works", zh = "北厂" }
latitude = 33.0
longitude = 112.5
"""

LETTERS = [
    DeadLetter(0, 1_714_536_000_000, "main", "pollution/north/stack-3/data", b'{"v":', "bad_json", "ends at byte 5"),
    DeadLetter(1, 1_714_536_001_000, "main", "pollution/north/stack-9/data", b"{}", "unknown_device", "no stack-9"),
    DeadLetter(2, 1_714_536_002_000, "main", "pollution/north/stack-3/data", b"\x1b[2J\xff", "bad_json", "odd: \x07"),
]

Call = Callable[..., Result]


@pytest.fixture
def config(tmp_path: Path) -> Path:
    file = tmp_path / "gateway.toml"
    file.write_text(CONFIG, "utf-8")
    return file


@pytest.fixture
def ledger_file(config: Path) -> Path:
    file = config.parent / "data" / LEDGER_FILE
    with Ledger(file) as ledger:
        ledger.commit(3, dead=LETTERS)
    return file


@pytest.fixture
def call(config: Path) -> Call:
    def run(command: str, *arguments: str) -> Result:
        return CliRunner().invoke(app, [command, str(config), *arguments])

    return run


@pytest.mark.usefixtures("ledger_file")
def test_list_shows_the_newest_first_with_reason_topic_and_totals(call: Call) -> None:
    result = call("list")
    assert result.exit_code == 0
    lines = result.output.splitlines()
    assert [line.split()[:3] for line in lines[0:6:2]] == [
        ["3", "2024-05-01T04:00:02.000Z", "bad_json"],
        ["2", "2024-05-01T04:00:01.000Z", "unknown_device"],
        ["1", "2024-05-01T04:00:00.000Z", "bad_json"],
    ]
    assert lines[3].strip() == "no stack-9"
    assert lines[-1] == "3 kept, 0 evicted; so far by reason: bad_json 2, unknown_device 1"


@pytest.mark.usefixtures("ledger_file")
def test_list_can_be_narrowed(call: Call) -> None:
    assert "stack-9" not in call("list", "--reason", "bad_json").output
    assert len(call("list", "--limit", "1").output.splitlines()) == 3


@pytest.mark.usefixtures("ledger_file")
def test_list_as_json_has_the_whole_letter(call: Call) -> None:
    newest = json.loads(call("list", "--json").output.splitlines()[0])
    assert newest == {
        "id": 3,
        "position": 2,
        "received": "2024-05-01T04:00:02.000Z",
        "link": "main",
        "topic": "pollution/north/stack-3/data",
        "reason": "bad_json",
        "detail": "odd: \x07",
        "replay": "no",
        "payload": base64.b64encode(b"\x1b[2J\xff").decode(),
    }


@pytest.mark.usefixtures("ledger_file")
def test_nothing_from_outside_reaches_the_terminal_as_a_command(call: Call) -> None:
    for result in (call("list"), call("show", "3")):
        assert "\x1b" not in result.output and "\x07" not in result.output
    assert "\\x1b[2J\\xff" in call("show", "3").output


@pytest.mark.usefixtures("ledger_file")
def test_show_raw_gives_the_very_bytes(call: Call) -> None:
    assert call("show", "3", "--raw").stdout_bytes == b"\x1b[2J\xff"


@pytest.mark.usefixtures("ledger_file")
def test_show_of_a_letter_that_is_not_there_says_so(call: Call) -> None:
    result = call("show", "99")
    assert result.exit_code == 1
    assert "no dead letter 99" in result.output


@pytest.mark.parametrize(
    ("asked", "ids"),
    [(["--id", "1", "--id", "2"], [1, 2]), (["--reason", "bad_json"], [1, 3]), (["--all"], [1, 2, 3])],
    ids=["by number", "by reason", "all"],
)
def test_replay_marks_letters_for_the_gateway(asked: list[str], ids: list[int], call: Call, ledger_file: Path) -> None:
    result = call("replay", *asked)
    assert (result.exit_code, result.output) == (0, f"{len(ids)} marked for replay\n")
    with Ledger(ledger_file) as ledger:
        assert ledger.take_replays() == [(id, LETTERS[id - 1]) for id in ids]
    assert call("list").output.count("[replay asked for]") == len(ids)


def test_replay_works_beside_a_running_gateway(call: Call, ledger_file: Path) -> None:
    with Ledger(ledger_file) as running:
        running.commit(4)
        assert call("replay", "--id", "2").exit_code == 0
        assert running.take_replays() == [(2, LETTERS[1])]
        running.commit(5)
        running.replayed([2])
        assert "[replayed]" in call("list").output


@pytest.mark.usefixtures("ledger_file")
@pytest.mark.parametrize("asked", [[], ["--all", "--id", "1"], ["--reason", "x", "--all"]])
def test_replay_asks_for_exactly_one_way_to_choose(asked: list[str], call: Call) -> None:
    result = call("replay", *asked)
    assert result.exit_code == 2
    assert "one of --id, --reason and --all" in result.output


@pytest.mark.parametrize("command", [["list"], ["show", "1"], ["replay", "--all"]], ids=["list", "show", "replay"])
def test_where_no_gateway_has_run_no_ledger_is_made(command: list[str], call: Call, config: Path) -> None:
    result = call(command[0], *command[1:])
    assert result.exit_code == 2
    assert "has the gateway run" in result.output
    assert not (config.parent / "data").exists()


def test_mistakes_in_the_configuration_are_said(config: Path, call: Call) -> None:
    config.write_text("[[links]]\nnam = 1\n", "utf-8")
    result = call("list")
    assert result.exit_code == 2
    assert "nam" in result.output
