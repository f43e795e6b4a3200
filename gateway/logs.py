"""Logs: one event a line, key and value; JSON where a machine reads, aligned words where a person does."""

from __future__ import annotations

import logging
import sys
from typing import Literal, TextIO

import structlog

from gateway.visible import visible

LONGEST = 2_000
"""Characters of one value, and of one line of a traceback, in a text log."""

Format = Literal["auto", "json", "text"]


def set_up(how: Format = "auto", level: int = logging.INFO, to: TextIO | None = None) -> None:
    """Set up logging of this process, called once by a command before it does anything.

    `auto` is text on a terminal and JSON elsewhere. Libraries that use the standard `logging` are shown from
    WARNING on, in the same form.
    """
    stream = to or sys.stderr
    text = stream.isatty() if how == "auto" else how == "text"
    shared: list[structlog.typing.Processor] = [
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            structlog.stdlib.add_logger_name,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )
    renderers: list[structlog.typing.Processor] = [structlog.processors.JSONRenderer()]
    if text:
        renderers = [_made_visible, structlog.dev.ConsoleRenderer(colors=stream.isatty())]
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *renderers],
            foreign_pre_chain=[structlog.stdlib.add_logger_name, *shared],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger("gateway").setLevel(level)


def _made_visible(_logger: object, _method: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    """Topics, names and errors hold what others sent: no value may move the cursor or look like a line of its own."""
    for key, value in event.items():
        if key == "exception":  # of several lines; each is indented, so that none looks like an event
            event[key] = "\n".join(f"  {visible(line, LONGEST)}" for line in str(value).split("\n"))
        elif isinstance(value, str):
            event[key] = visible(value, LONGEST)
    return event
