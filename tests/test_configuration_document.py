"""docs/configuration.md names every key of the configuration and the inventory, with its default, and no other."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

import pytest
from pydantic import BaseModel

from gateway import config
from gateway import inventory_entries as inventory

PAGE = Path(__file__).parent.parent / "docs" / "configuration.md"

TABLES: dict[str, type[BaseModel]] = {
    "Top of the file": config.Config,
    "`[[links]]`": config.Link,
    "`[[links.subscribe]]`": config.Subscription,
    "`line` of a subscription": config.LineFormat,
    "`[[listeners]]`": config.Listener,
    "`[[mappings]]`": config.JsonMapping,
    "`login`": config.Secret,
    "`tls`": config.Tls,
    "`tls` of a listener": config.ServerTls,
    "`[journal]`": config.Journal,
    "`[decode]`": config.Decode,
    "`[clocks]`": config.Clocks,
    "`[hj212]`": config.Hj212,
    "`[store]`, kind `duckdb`": config.DuckDb,
    "`[store]`, kind `influxdb`": config.Influx,
    "`[store]`, kind `influxdb1`": config.Influx1,
    "`[writer]`": config.Writer,
    "`[publish]`": config.Publish,
    "`[publish.broker]`": config.Broker,
    "`[frames]`": config.Frames,
    "`[api]`": config.Api,
    "Tables of the inventory": inventory.InventoryEntries,
    "`[[sites]]`": inventory.SiteEntry,
    "`name`": inventory.NameEntry,
    "`[types.NAME]`": inventory.TypeEntry,
    "`factors`": inventory.FactorEntry,
    "`limits`": inventory.LimitEntry,
    "`hj212` of a device": inventory.Hj212Entry,
    "`[[devices]]`": inventory.DeviceEntry,
    "`[[cameras]]`": inventory.CameraEntry,
    "`[[cameras.zones]]`": inventory.ZoneEntry,
}
"""Heading on the page and the model that reads the table."""


def documented() -> dict[str, dict[str, str]]:
    """Heading to key to default, as the page has them."""
    found: dict[str, dict[str, str]] = {}
    heading = ""
    for line in PAGE.read_text("utf-8").splitlines():
        if line.startswith("#"):
            heading = line.lstrip("# ")
        elif match := re.match(r"\| `(\w+)` \| (?P<type>.+?) \| (?P<default>[^|]*?) ?\| ", line):
            key = match[1]
            keys = found.setdefault(heading, {})
            assert key not in keys, f"{key} stands twice under {heading}"
            keys[key] = match["default"].strip()
    return found


def parts(annotation: Any) -> Iterator[type[BaseModel]]:
    """The models within a type."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    elif get_origin(annotation) in (Annotated, Union, UnionType, tuple, dict):
        for part in get_args(annotation):
            yield from parts(part)


def reachable(*models: type[BaseModel]) -> set[type[BaseModel]]:
    """The models and all that stand in their fields."""
    found: set[type[BaseModel]] = set()
    todo = list(models)
    while todo:
        model = todo.pop()
        if model not in found:
            found.add(model)
            todo += [part for field in model.model_fields.values() for part in parts(field.annotation)]
    return found


def fields_of(model: type[BaseModel]) -> dict[str, Any]:
    """The fields the page must have under a model's heading: devices refer to types for what they share."""
    shared = inventory.TypeEntry.model_fields if model is inventory.DeviceEntry else {}
    return {key: field for key, field in model.model_fields.items() if key not in shared}


def test_every_table_has_its_heading() -> None:
    assert reachable(config.Config, inventory.InventoryEntries) == set(TABLES.values())


@pytest.mark.parametrize("heading", list(TABLES))
def test_the_page_has_the_keys_of_the_table_and_no_other(heading: str) -> None:
    assert set(documented()[heading]) == set(fields_of(TABLES[heading]))


def test_no_other_heading_has_keys() -> None:
    assert set(documented()) == set(TABLES)


@pytest.mark.parametrize("heading", list(TABLES))
def test_the_page_has_the_defaults_of_the_program(heading: str) -> None:
    keys = documented()[heading]
    for key, field in fields_of(TABLES[heading]).items():
        written = keys[key]
        if field.is_required():
            assert written == "required", key
        elif field.default is None:
            assert written == "none", key
        elif isinstance(field.default, str | int | float | Path):
            expected = str(field.default) if isinstance(field.default, Path) else field.default
            assert written.startswith("`"), key
            assert tomllib.loads(f"x = {written.strip('`')}")["x"] == expected, key
        elif isinstance(field.default, tuple) and not any(parts(field.annotation)):
            assert written.startswith("`"), key
            assert tuple(tomllib.loads(f"x = {written.strip('`')}")["x"]) == field.default, key
        else:
            assert written == "", f"{key} is a table: its keys have defaults of their own"
