"""`docs/payloads.md` and the code say the same."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from gateway.config import JsonMapping, LineFormat
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


def examples(name: str, language: str = "json") -> list[bytes]:
    """The blocks behind `<!-- example: name -->`."""
    found = re.findall(rf"<!-- example: {re.escape(name)} -->\n```{language}\n(.*?)```", TEXT, re.DOTALL)
    assert found, name
    return [block.encode() for block in found]


def test_the_senml_examples_are_read(run: Any) -> None:
    weather, stack = examples("senml")
    assert run("senml", weather, device=-1).values == [
        ("a01001-Rtd", 20.1, "N"),
        ("a01012-Rtd", 45.0, "N"),
        ("a01001-Rtd", 19.8, "N"),
    ]
    assert run("senml", stack).values == [("a21026-Rtd", 35.2, "N"), ("a34013-Avg", 4.1, "N")]


@pytest.mark.parametrize(
    ("name", "form", "readings"),
    [
        ("line", {}, 5),
        ("line, measurement", {"precision": "s", "factor": "measurement"}, 1),
        ("line, tag", {"precision": "s", "factor": "tag"}, 1),
    ],
)
def test_the_examples_of_lines_are_read(run: Any, name: str, form: dict[str, str], readings: int) -> None:
    (payload,) = examples(name, "")
    got = run("line", payload, device=-2, line=LineFormat.model_validate(form))
    assert (got.dead, len(got.readings)) == ([], readings)


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("flat", [("a21026-Rtd", 35.2, "N"), ("a34013-Avg", 4.1, "N")]),
        ("list", [("a21026-Rtd", 35.2, "N"), ("a34013-Rtd", None, "D")]),
        ("nested", [("a21026-Avg", 35.2, "N"), ("a34013-Avg", 4.1, "N")]),
    ],
)
def test_the_examples_of_mappings_are_read(run: Any, name: str, values: list[tuple[str, float | None, str]]) -> None:
    (written,), (payload,) = examples(f"mapping {name}", "toml"), examples(f"mapped {name}")
    (mapping,) = tomllib.loads(written.decode())["mappings"]
    got = run("mapped", payload, mapping=JsonMapping.model_validate(mapping))
    assert (got.dead, got.values, got.times) == ([], values, {1_772_337_600_000})


def test_the_examples_of_frigate_are_seen(run: Any) -> None:
    events = run("frigate", *examples("frigate"), device=-1).detections
    assert [(event.kind, [box.label for box in event.boxes]) for event in events] == [
        ("object", ["person"]),
        ("review", ["person", "car"]),
    ]


def test_the_examples_of_onvif_are_seen(run: Any) -> None:
    found = re.findall(r"<!-- example: onvif (\S+) -->\n```json\n(.*?)```", TEXT, re.DOTALL)
    seen = [run("onvif", payload.encode(), topic=topic).detections for topic, payload in found]
    assert [(event.kind, event.boxes[0].label) for (event,) in seen] == [
        ("event", "LineDetector/Crossed"),
        ("scene", "Human"),
    ]
