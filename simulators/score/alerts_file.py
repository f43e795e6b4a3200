"""Reading what a receiver said: alerts of this gateway as files, over MQTT or from its API, or of any receiver.

Three forms: steps of alerts (`alerts.jsonl` of a replay, MQTT payloads line by line, with their topics before them or
not); alerts from the API (an array of objects, or one object a line); and JSON lines of any receiver with `family`,
`rule`, `site`, `device` or `camera`, `started`, and what there is of `told`, `ended`, `factor`, `field`, `period`,
`side` (of the limit) and `zone`; they are known by `started`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

from simulators.errors import SimulatorError
from simulators.score.records import Said
from simulators.score.truth_file import mistake_in
from simulators.score.words import LATE, LIMIT, limit_of, meaning


def read_alerts(file: Path) -> list[Said]:
    """The alerts that fired, each once, by `since`; those that were withdrawn before they fired are no alerts.

    Lines may come in any order and more than once. Raises `SimulatorError` with the number of what is wrong.
    """
    try:
        text = file.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SimulatorError(f"{file}: {error}") from error
    lives: dict[str, list[Mapping[str, Any]]] = {}
    alerts: list[Said] = []
    for number, found in _records(text, file):
        if not isinstance(found, dict):
            raise SimulatorError(f"{file}: alert {number}: expected an object")
        record = cast("dict[str, Any]", found)
        try:
            if "started" in record:
                alerts.append(_generic(record, number))
            else:
                lives.setdefault(str(record["id"]), []).extend((record, *record.get("history", ())))
        except (KeyError, TypeError, ValueError) as error:
            raise SimulatorError(f"{file}: alert {number}: {mistake_in(error)}") from error
    for id, life in lives.items():
        try:
            alerts += _of_gateway(life)
        except (KeyError, TypeError, ValueError) as error:
            raise SimulatorError(f"{file}: alert {id}: {mistake_in(error)}") from error
    return sorted(alerts, key=lambda each: (each.since, each.told, each.id))


def _records(text: str, file: Path) -> Iterator[tuple[int, object]]:
    if text.lstrip().startswith("["):
        try:
            whole = json.loads(text)
        except ValueError as error:
            raise SimulatorError(f"{file}: {error}") from error
        yield from enumerate(cast(list[object], whole), 1)
        return
    for number, line in enumerate(text.splitlines(), 1):
        at = line.find("{")  # what stands before it is the topic, as `mosquitto_sub -v` writes it
        if at < 0:
            if line.strip():
                raise SimulatorError(f"{file}: line {number}: no JSON object")
            continue
        try:
            yield number, json.loads(line[at:])
        except ValueError as error:
            raise SimulatorError(f"{file}: line {number}: {error}") from error


def _of_gateway(life: Sequence[Mapping[str, Any]]) -> list[Said]:
    """An alert from all that is known of its life (`docs/payloads-alerts.md`); none where it has not fired.

    It was told when its step `fired` was recorded; where that step is not among them, when it fired by its data.
    """
    fired = [time for time in (time_of(record["fired"]) for record in life) if time is not None]
    if not fired:
        return []
    told, over = (_recorded(life, step) for step in ("fired", "resolved"))
    ended = [time for time in (time_of(record.get("resolved")) for record in life) if time is not None]
    first = life[0]
    family, rule = str(first["family"]), str(first["rule"])
    what, zone = meaning(family, rule.removesuffix(LATE))
    period, side = limit_of(rule.removesuffix(LATE)) if what == LIMIT else ("", "")
    return [
        Said(
            family=family,
            rule=rule,
            what=what,
            site=str(first["site"]),
            subject=_subject(first),
            since=_needed(first["since"]),
            told=fired[0] if told is None else told,
            ended=ended[0] if ended else None,
            factor=str(first.get("factor") or ""),
            field=str(first.get("field") or ""),
            period=period,
            side=side,
            zone=zone,
            late=rule.endswith(LATE),
            id=str(first["id"]),
            ended_told=over,
        )
    ]


def _recorded(life: Sequence[Mapping[str, Any]], step: str) -> int | None:
    """When the receiver recorded a step, by its own clock; None where that step is not among them."""
    return next((time_of(record.get("recorded")) for record in life if record.get("step") == step), None)


def _generic(record: Mapping[str, Any], number: int) -> Said:
    family, rule = str(record["family"]), str(record.get("rule") or "")
    what, zone = meaning(family, rule.removesuffix(LATE))
    started, told = _needed(record["started"]), time_of(record.get("told"))
    return Said(
        family=family,
        rule=rule,
        what=what,
        site=str(record["site"]),
        subject=_subject(record),
        since=started,
        told=started if told is None else told,
        ended=time_of(record.get("ended")),
        factor=str(record.get("factor") or ""),
        field=str(record.get("field") or ""),
        period=str(record.get("period") or ""),
        side=str(record.get("side") or ""),
        zone=str(record.get("zone") or zone),
        late=rule.endswith(LATE),
        id=str(record.get("id") or f"line {number}"),
    )


def _subject(record: Mapping[str, Any]) -> str:
    for key in ("device", "camera", "gateway"):
        if record.get(key) is not None:
            return str(record[key])
    raise KeyError("device, camera or gateway")


def _needed(value: Any) -> int:
    time = time_of(value)
    if time is None:
        raise ValueError("a time is missing")
    return time


def time_of(value: Any) -> int | None:
    """ms UTC, of ms or of ISO 8601; without an offset it is UTC."""
    if value is None or value == "":
        return None
    if isinstance(value, int | float):
        return round(value)
    moment = datetime.fromisoformat(str(value))
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return round(moment.timestamp() * 1000)
