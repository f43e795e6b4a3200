"""Finding and reading scenarios: a path, or the name of a ready one inside the package."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Final, TypeVar

from pydantic import BaseModel, ValidationError

from simulators.errors import ScenarioError
from simulators.scenario import Scenario

Model = TypeVar("Model", bound=BaseModel)
READY: Final = Path(__file__).parent / "scenarios"


def ready() -> list[str]:
    """Names of the ready scenarios, in order."""
    return sorted(file.stem for file in READY.glob("*.toml"))


def find(scenario: str) -> Path:
    """The file of a scenario given by name or path. Raises `ScenarioError`."""
    if scenario in ready():
        return READY / f"{scenario}.toml"
    path = Path(scenario)
    if not path.is_file():
        raise ScenarioError(f"{scenario}: no such file, and no ready scenario (ready: {', '.join(ready())})")
    return path


def load(scenario: str) -> Scenario:
    """Read and check a scenario given by name or path. Raises `ScenarioError`, see `read_model`."""
    return read_model(find(scenario), Scenario)


def read_model(path: Path, model: type[Model]) -> Model:
    """Read and check a TOML file.

    Raises `ScenarioError` with one line for each mistake: file, line, key, and what is wrong.
    """
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ScenarioError(f"{path}: {error}") from error
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ScenarioError(f"{path}: {error}") from error
    try:
        return model.model_validate(tables)
    except ValidationError as error:
        mistakes = error.errors(include_url=False, include_context=False, include_input=False)
        raise ScenarioError("\n".join(_line(path, text, m["loc"], m["msg"]) for m in mistakes)) from error


def _line(path: Path, text: str, loc: Sequence[str | int], message: str) -> str:
    number = locate(text, loc)
    place = f"{path}:{number}" if number else f"{path}"
    key = ".".join(str(part) for part in loc)
    message = message.removeprefix("Value error, ")
    return f"{place}: {key}: {message}" if key else f"{place}: {message}"


def locate(text: str, loc: Sequence[str | int]) -> int:
    """Line (from 1) of a key in a TOML text, as near as plain reading finds it; 0 where not even its table is found.

    `loc` is the way to it: `("devices", 3, "interval_s")`. Inside an inline table the line of the table is given.
    """
    lines = text.splitlines()
    first, last = _section(lines, loc)
    names = [part for part in loc if isinstance(part, str)]
    for name in reversed(names):
        wanted = re.compile(rf"(^|[{{,\s])\"?{re.escape(name)}\"?\s*=|^\s*\[+[^\]]*\b{re.escape(name)}\b[^\]]*\]")
        for number in range(first, last):
            if wanted.search(lines[number]):
                return number + 1
    return first + 1 if first else 0


def _section(lines: Sequence[str], loc: Sequence[str | int]) -> tuple[int, int]:
    """First line and the line after the last of the table that `loc` leads through."""
    if len(loc) < 2:
        return 0, len(lines)
    head, second = str(loc[0]), loc[1]
    if isinstance(second, int):
        starts = [n for n, line in enumerate(lines) if line.strip().startswith(f"[[{head}]]")]
        if second >= len(starts):
            return 0, len(lines)
        first, inside = starts[second], (f"[{head}.", f"[[{head}.")
    else:
        own = re.compile(rf"\[+{re.escape(head)}\.\"?{re.escape(second)}\"?[.\]]")
        first = next((n for n, line in enumerate(lines) if own.match(line.strip())), 0)
        inside = (f"[{head}.{second}.", f"[[{head}.{second}.")
    for number in range(first + 1, len(lines)):
        line = lines[number].strip()
        if line.startswith("[") and not line.startswith(inside):
            return first, number
    return first, len(lines)
