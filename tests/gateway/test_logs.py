"""Logs: whatever a value holds, an event stays one line and does nothing to a terminal."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator

import pytest
import structlog
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway import logs

HOSTILE = 'pollution/x\x1b[2J\x1b]0;owned\x07\n2026-05-01T08:00:00Z [error] forged event="x"\r\u202egnp.\x00'


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    """Logging of the process is set up anew here; others get back what they had."""
    root, gateway = logging.getLogger(), logging.getLogger("gateway")
    before = (root.handlers[:], root.level, gateway.level, structlog.get_config())
    yield
    root.handlers[:], root.level, gateway.level = before[0], before[1], before[2]
    structlog.configure(**before[3])


def logged(how: logs.Format, **values: object) -> str:
    stream = io.StringIO()
    logs.set_up(how, to=stream)
    structlog.get_logger("gateway.test").warning("seen", **values)
    return stream.getvalue()


def test_a_text_log_shows_what_a_topic_hides() -> None:
    (line,) = logged("text", topic=HOSTILE).splitlines()
    assert line.isprintable()
    assert r"\x1b[2J" in line
    assert r"\u202egnp" in line


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(max_size=300))
def test_every_event_is_one_line(text: str) -> None:
    for how in ("text", "json"):
        written = logged(how, topic=text, named={"in": text}, several=[text, text.encode("utf-8", "replace")])
        assert written.count("\n") == 1
        assert written.endswith("\n")
        assert written[:-1].isprintable()


def test_a_json_log_has_the_value_itself() -> None:
    assert json.loads(logged("json", topic=HOSTILE))["topic"] == HOSTILE


def test_no_line_of_a_traceback_looks_like_an_event() -> None:
    stream = io.StringIO()
    logs.set_up("text", to=stream)
    try:
        raise ValueError(HOSTILE)
    except ValueError:
        structlog.get_logger("gateway.test").exception("codec_error")
    first, *rest = stream.getvalue().splitlines()
    assert "codec_error" in first
    assert any("forged" in line for line in rest)
    assert all(line.startswith("  ") or not line for line in rest)
    assert all(line.isprintable() for line in rest)


def test_a_log_line_of_a_library_is_made_visible_too() -> None:
    stream = io.StringIO()
    logs.set_up("text", to=stream)
    logging.getLogger("paho").warning("topic %s", HOSTILE)
    assert all(letter.isprintable() for letter in stream.getvalue()[:-1])
