"""Mistakes in a configuration, each with its place, and pydantic's findings put into words for an operator."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from types import UnionType
from typing import Annotated, Any, Union, cast, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from gateway.config import Misplaced

Place = tuple[str | int, ...]

SHOWN = 60
"""Characters of a wrong value that are shown."""


@dataclass(frozen=True, slots=True)
class Mistake:
    """One thing that is wrong, and what is expected. A warning has the same form."""

    path: Place
    """Keys and element numbers from the top of the file: `("links", 0, "qos")`."""
    text: str


def mistakes_of(error: ValidationError, model: type[BaseModel], raw: Mapping[str, Any]) -> list[Mistake]:
    """Everything pydantic found, in the order of the fields. `raw` is what was validated against `model`."""
    found: list[Mistake] = []
    for details in error.errors(include_url=False):
        place = _place(details["loc"], raw)
        context: dict[str, Any] = details.get("ctx", {})
        if details["type"] == "too_short" and len(_at(raw, place) or ()) > context["actual_length"]:
            continue  # pydantic does not count the entries that are wrong; they are reported themselves
        cause = context.get("error")
        if isinstance(cause, Misplaced):
            found += [Mistake((*place, *path), text) for path, text in cause.mistakes]
        elif details["type"] == "extra_forbidden":
            found.append(Mistake(place, _unknown_key(str(place[-1]), _keys_at(model, place[:-1], raw))))
        elif details["type"] in ("union_tag_invalid", "union_tag_not_found"):
            found.append(Mistake((*place, "kind"), _text(details)))
        else:
            found.append(Mistake(place, _text(details)))
    return found


def shown(value: object) -> str:
    """A wrong value for a message: short, and in the words of TOML."""
    if isinstance(value, Mapping):
        return "a table"
    if isinstance(value, list):
        return "an array"
    if isinstance(value, bool):
        return "true" if value else "false"
    text = repr(value)
    return text if len(text) <= SHOWN else text[:SHOWN] + "..."


def near(word: str, known: list[str]) -> str:
    """`; did you mean ...?` where a known word is near, else the known words where they are few."""
    if matches := difflib.get_close_matches(word, known, 1):
        return f"; did you mean {matches[0]!r}?"
    return f"; known: {', '.join(known)}" if 0 < len(known) <= 16 else ""


def _unknown_key(key: str, known: list[str]) -> str:
    return f"unknown key{near(key, sorted(known))}"


def _text(details: ErrorDetails) -> str:
    """One sentence: what is expected, and what stands there."""
    given = shown(details["input"])
    limits: dict[str, Any] = details.get("ctx", {})
    match details["type"]:
        case "missing":
            return "is missing"
        case "value_error":
            return str(limits["error"])
        case "literal_error":
            return f"expected {limits['expected']}, not {given}"
        case "union_tag_invalid":
            return f"expected {limits['expected_tags']}, not {limits['tag']!r}"
        case "union_tag_not_found":
            return "is missing"
        case "string_pattern_mismatch" if limits["pattern"] == r"^[A-Za-z0-9_.-]{1,64}$":
            return f"expected 1 to 64 letters (A-Z a-z), digits, '_', '.' and '-', not {given}"
        case "string_pattern_mismatch":
            return f"expected text of the form {limits['pattern']}, not {given}"
        case "string_too_short":
            return "must not be empty"
        case "too_short":
            return f"expected at least {limits['min_length']} entries, found {limits['actual_length']}"
        case "too_long":
            return f"expected at most {limits['max_length']} entries, found {limits['actual_length']}"
        case "greater_than" | "greater_than_equal" | "less_than" | "less_than_equal" as kind:
            word, key = _BOUNDS[kind]
            return f"expected {word} {limits[key]:g}, not {given}"
        case kind if kind in _TYPES:
            return f"expected {_TYPES[kind]}, not {given}"
        case _:
            message = details["msg"]
            return f"{message[:1].lower()}{message[1:]}, not {given}"


_BOUNDS = {
    "greater_than": ("a number over", "gt"),
    "greater_than_equal": ("at least", "ge"),
    "less_than": ("a number under", "lt"),
    "less_than_equal": ("at most", "le"),
}
_TYPES = {
    "string_type": "text in quotes",
    "path_type": "a path in quotes",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "finite_number": "a finite number",
    "bool_type": "true or false",
    "tuple_type": "an array",
    "dict_type": "a table",
    "model_type": "a table",
    "model_attributes_type": "a table",
}


def _place(location: Place, raw: Any) -> Place:
    """pydantic's location without the tags of unions, which are not keys of the file."""
    place: list[str | int] = []
    here = raw
    for part in location:
        if isinstance(here, Mapping) and part not in here and part == cast("Mapping[str, Any]", here).get("kind"):
            continue
        place.append(part)
        here = _inside(here, part)
    return tuple(place)


def _inside(value: Any, part: str | int) -> Any:
    try:
        return value[part]
    except (KeyError, IndexError, TypeError):
        return None


def _at(raw: Any, place: Place) -> Any:
    for part in place:
        raw = _inside(raw, part)
    return raw


def _keys_at(model: type[BaseModel], place: Place, raw: Any) -> list[str]:
    """The keys that the table at a place may have; none where that is not a table of fixed keys."""
    annotation: Any = model
    here = raw
    for part in place:
        annotation = _step(annotation, part, here)
        here = _inside(here, part)
    models = _models(annotation, here)
    return [key for each in models for key in each.model_fields]


def _step(annotation: Any, part: str | int, raw: Any) -> Any:
    """The type of one part of a type."""
    for each in _models(annotation, raw):
        if part in each.model_fields:
            return each.model_fields[part].annotation
    for each in _options(annotation):
        if get_origin(each) in (tuple, dict):
            arguments = get_args(each)
            return arguments[1] if get_origin(each) is dict else arguments[0]
    return None


def _models(annotation: Any, raw: Any) -> list[type[BaseModel]]:
    """The models a type may stand for, of a tagged union the one that the tag in `raw` names."""
    models = [each for each in _options(annotation) if isinstance(each, type) and issubclass(each, BaseModel)]
    tag = _inside(raw, "kind")
    tagged = [each for each in models if "kind" in each.model_fields and each.model_fields["kind"].default == tag]
    return tagged or models


def _options(annotation: Any) -> list[Any]:
    """The members of a union, `Annotated` taken off."""
    if get_origin(annotation) is Annotated:
        return _options(get_args(annotation)[0])
    if get_origin(annotation) in (Union, UnionType):
        return [option for member in get_args(annotation) for option in _options(member)]
    return [annotation]
