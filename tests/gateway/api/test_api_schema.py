"""The API keeps what its OpenAPI description and its document promise."""

from __future__ import annotations

import json
from pathlib import Path

import hypothesis
import schemathesis
from made_up_views import MadeUp, make_views
from schemathesis.specs.openapi.checks import positive_data_acceptance

from gateway.api.app import make_app

DOCUMENT = Path(__file__).parents[3] / "docs" / "api.md"


def _made_up() -> MadeUp:
    made_up = make_views()
    made_up.show_frame()
    return made_up


app = make_app(_made_up().views)
description = app.openapi()
endless = schemathesis.openapi.from_asgi("/api/v1/openapi.json", app).exclude(path="/api/v1/stream")


@endless.parametrize()
@hypothesis.settings(max_examples=12, deadline=None, derandomize=True)
def test_every_answer_is_as_described(case: schemathesis.Case) -> None:
    # A time beyond the year 9999 and an id that is not there fit the description and are refused all the same.
    case.call_and_validate(excluded_checks=[positive_data_acceptance])


def test_every_route_is_in_the_document_with_an_example() -> None:
    text = DOCUMENT.read_text("utf-8")
    sections = {part.split("\n", 1)[0].strip(): part for part in text.split("\n### ")[1:]}
    for path, methods in description["paths"].items():
        for method in methods:
            section = sections.get(f"`{method.upper()} {path}`")
            assert section is not None, f"{DOCUMENT} has no section ### `{method.upper()} {path}`"
            assert "```" in section, f"{path} has no example in {DOCUMENT}"


def test_the_document_has_no_route_that_is_not_there() -> None:
    known = {f"`{method.upper()} {path}`" for path, methods in description["paths"].items() for method in methods}
    headings = {line[4:].strip() for line in DOCUMENT.read_text("utf-8").splitlines() if line.startswith("### `")}
    assert headings - known == set()


def test_every_parameter_is_in_the_document() -> None:
    text = DOCUMENT.read_text("utf-8")
    sections = {part.split("\n", 1)[0].strip(): part for part in text.split("\n### ")[1:]}
    for path, methods in description["paths"].items():
        for method, operation in methods.items():
            for parameter in operation.get("parameters", []):
                name = parameter["name"]
                if parameter["in"] == "query":
                    assert f"`{name}`" in sections[f"`{method.upper()} {path}`"], f"{path}: {name} is not described"


def test_the_description_names_no_address_outside() -> None:
    assert "http://" not in json.dumps(description)
    assert "https://" not in json.dumps(description)
