"""Finding and reading scenarios: a path, or the name of a ready one inside the package."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final, TypeVar, cast

from pydantic import BaseModel, ValidationError

from simulators.errors import ScenarioError
from simulators.scenario import Scenario
from simulators.settings.tables import Misfits
from simulators.toml_places import locate

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
        at = re.search(r"at line (\d+)", str(error))
        raise ScenarioError(f"{path}:{at[1]}: {error}" if at else f"{path}: {error}") from error
    try:
        read = model.model_validate(tables)
    except ValidationError as error:
        raise ScenarioError("\n".join(_told(path, text, error))) from error
    wrong = [_line(path, text, loc, "Input should be a number, not true or false") for loc in _booleans(tables, read)]
    if wrong:
        raise ScenarioError("\n".join(wrong))
    return read


def _told(path: Path, text: str, error: ValidationError) -> Iterator[str]:
    """A line for each mistake. That a list is too short is none where that is because an item of it is wrong."""
    found = error.errors(include_url=False, include_input=False)
    for each in found:
        loc = each["loc"]
        inner = any(other["loc"][: len(loc)] == loc and len(other["loc"]) > len(loc) for other in found)
        if each["type"] == "too_short" and inner:
            continue
        misfits = each.get("ctx", {}).get("error")
        if not isinstance(misfits, Misfits):
            yield _line(path, text, loc, each["msg"])
            continue
        for mistake in misfits.found:
            yield f"{_place(path, text, mistake.loc)}: {mistake.text}"


def _booleans(raw: object, read: object, *loc: str | int) -> Iterator[tuple[str | int, ...]]:
    """Where the file says true or false and the model, which takes these for 1 and 0, has a number."""
    if isinstance(raw, bool):
        if not isinstance(read, bool):
            yield loc
    elif isinstance(raw, dict):
        for key, value in cast("dict[str, object]", raw).items():
            inner = cast("dict[str, object]", read)[key] if isinstance(read, dict) else getattr(read, key)
            yield from _booleans(value, inner, *loc, key)
    elif isinstance(raw, list) and isinstance(read, list | tuple):
        for number, (value, inner) in enumerate(
            zip(cast("list[object]", raw), cast("list[object]", read), strict=True)
        ):
            yield from _booleans(value, inner, *loc, number)


def _line(path: Path, text: str, loc: Sequence[str | int], message: str) -> str:
    key = ".".join(str(part) for part in loc)
    message = message.removeprefix("Value error, ")
    place = _place(path, text, loc)
    return f"{place}: {key}: {message}" if key else f"{place}: {message}"


def _place(path: Path, text: str, loc: Sequence[str | int]) -> str:
    number = locate(text, loc)
    return f"{path}:{number}" if number else f"{path}"
