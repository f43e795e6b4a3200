"""Reading a truth file: what happened, and what a right receiver must find."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, cast

from simulators.errors import SimulatorError
from simulators.score.records import Counted, Expected, Happened, Truth

_FIGURES = ("sent", "arrived", "lost", "duplicated", "late", "out_of_order")


def read_truth(file: Path) -> Truth:
    """The truth as `simulators run --truth` writes it, lines in any order.

    Raises `SimulatorError` with the number of a line that is wrong, and where there is none.
    """
    records = [record for _, record in json_lines(file)]
    if not records:
        raise SimulatorError(f"{file}: no line of truth")
    return truth_of(records, str(file))


def truth_of(records: list[dict[str, Any]], name: str = "truth") -> Truth:
    """The truth out of its lines, as they are in a file of that name. Raises `SimulatorError`."""
    truth = Truth()
    for number, record in enumerate(records, 1):
        try:
            _take(truth, record)
        except (KeyError, TypeError, ValueError) as error:
            raise SimulatorError(f"{name}: line {number}: {mistake_in(error)}") from error
    return truth


def mistake_in(error: Exception) -> str:
    """What is wrong with a record, in words."""
    if isinstance(error, KeyError):
        return f"no {error.args[0]}"
    return str(error) if isinstance(error, ValueError) else f"a value of the wrong kind: {error}"


def json_lines(file: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """The objects of a JSON lines file, packed where its name ends in `.gz`, with the numbers of their lines.

    Raises `SimulatorError`.
    """
    try:
        packed = file.read_bytes()
        lines = (gzip.decompress(packed) if file.suffix == ".gz" else packed).decode("utf-8").splitlines()
    except (OSError, EOFError, UnicodeDecodeError, zlib.error) as error:
        raise SimulatorError(f"{file}: {error}") from error
    for number, line in enumerate(lines, 1):
        if line.strip():
            try:
                record = json.loads(line)
            except ValueError as error:
                raise SimulatorError(f"{file}: line {number}: {error}") from error
            if not isinstance(record, dict):
                raise SimulatorError(f"{file}: line {number}: expected an object")
            yield number, cast(dict[str, Any], record)


def _take(truth: Truth, record: Mapping[str, Any]) -> None:
    layer, kind = str(record["layer"]), str(record["kind"])
    site = str(record.get("site", ""))
    subjects = tuple(str(record[key]) for key in ("device", "camera") if record.get(key) is not None)
    start, end = int(record["start_ms"]), _time(record["end_ms"])
    if (layer, kind) == ("expected", "counts"):
        if end is None:
            raise ValueError("counts need an end_ms")
        figures = {name: int(record.get(name, 0)) for name in _FIGURES}
        truth.counted.append(Counted(site, subjects[0], start, end, figures))
        return
    if layer != "expected":
        truth.happened.append(Happened(layer, kind, site, subjects, start, end))
    for each in record.get("expect", ()):
        truth.expected.append(
            Expected(
                family=str(each["family"]),
                what=str(each["what"]),
                site=site,
                subjects=subjects,
                begins=int(each["from_ms"]),
                begun=_time(each["to_ms"]),
                ends=end,
                factor=str(each.get("factor") or ""),
                field=str(each.get("field") or ""),
                period=str(each.get("period") or ""),
                side=str(each.get("side") or ""),
                zone=str(each.get("zone") or ""),
                late=bool(record.get("late")),
                kind=kind,
            )
        )


def _time(value: Any) -> int | None:
    return None if value is None else int(value)
