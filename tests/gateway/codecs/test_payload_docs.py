"""`docs/payloads.md` and the code say the same."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from gateway.reasons import Reason

TEXT = (Path(__file__).parents[3] / "docs" / "payloads.md").read_text("utf-8")


def test_every_reason_of_the_codecs_is_in_the_table_and_no_other() -> None:
    table = TEXT.partition("## Dead letters")[2].partition("\n## ")[0]
    assert set(re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)) == set(Reason)


def test_the_json_examples_are_read(run: Any) -> None:
    section = TEXT.partition("## Readings in JSON")[2].partition("\n## ")[0]
    examples = [block.encode() for block in re.findall(r"```json\n(.*?)```", section, re.DOTALL)]
    assert len(examples) >= 3
    got = run("json", *examples)
    assert got.dead == []
    assert len(got.readings) > len(examples)


def test_the_hj212_examples_are_read(run: Any) -> None:
    section = TEXT.partition("## Readings in HJ 212")[2].partition("\n## ")[0]
    examples = re.findall(r"^##\d{4}.*$", section, re.MULTILINE)
    assert len(examples) >= 2
    got = run("hj212", *(example.encode() for example in examples), device=-1)
    assert got.dead == []
