"""What `docs/hj212.md` shows of keys and of `gateway decode` is what they do."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from typer.testing import CliRunner

from gateway.cli import app
from gateway.keys_file import check_keys

TEXT = (Path(__file__).parents[3] / "docs" / "hj212.md").read_text("utf-8")
DECODE = TEXT.partition("\n## gateway decode\n")[2].partition("\n## ")[0]
KEYS = TEXT.partition("\n## Keys and encryption\n")[2].partition("\n## ")[0]
EXAMPLES = re.findall(r"```console\n\$ gateway (.*?)\n(.*?)```", DECODE, re.DOTALL)


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder with the files that the examples read, as the document has them."""
    (tmp_path / "frames.txt").write_text(re.findall(r"```text\n(.*?)```", DECODE, re.DOTALL)[0])
    (tmp_path / "keys.toml").write_text(re.findall(r"```toml\n(.*?)```", KEYS, re.DOTALL)[0])
    (tmp_path / "keys.toml").chmod(0o600)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_keys_file_shown_is_a_sound_one(files: Path) -> None:
    checked = check_keys(files / "keys.toml", {})
    assert (checked.mistakes, checked.warnings) == ([], [])
    assert len(checked.ring.keys("010000A8900016F000169DC1", 0)) == 2


def test_there_are_examples() -> None:
    assert len(EXAMPLES) >= 3


@pytest.mark.usefixtures("files")
@pytest.mark.parametrize(("arguments", "output"), EXAMPLES, ids=[arguments for arguments, _ in EXAMPLES])
def test_an_example_prints_what_the_document_shows(arguments: str, output: str) -> None:
    result = CliRunner().invoke(app, shlex.split(arguments))
    assert result.exit_code == 0
    assert result.stdout.strip() == output.strip()
