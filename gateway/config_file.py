"""The configuration and the inventory from their TOML files, with every mistake named by file, line and field."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from gateway.config import Config, environment
from gateway.config_topics import topic_mistakes
from gateway.config_warnings import config_warnings, inventory_warnings
from gateway.errors import ConfigError
from gateway.inventory import Inventory
from gateway.inventory_file import SECTIONS, as_table, read_inventory
from gateway.keys_file import check_keys
from gateway.mistakes import Mistake, mistakes_of
from gateway.toml_file import TomlFile


@dataclass(frozen=True, slots=True)
class Checked:
    """What the files say, and what is wrong or doubtful in them, one line each as `file.toml:12: links.0.qos: ...`."""

    config: Config | None
    """None where it has mistakes."""
    inventory: Inventory | None
    """None where it has mistakes."""
    mistakes: list[str]
    warnings: list[str]


def load(path: Path) -> tuple[Config, Inventory]:
    """Read both; the keys are checked too. Raises `ConfigError` with one line for each mistake, all of them at once."""
    checked = check(path)
    if checked.mistakes or checked.config is None or checked.inventory is None:
        raise ConfigError("\n".join(checked.mistakes))
    return checked.config, checked.inventory


def check(path: Path) -> Checked:
    """Read both, and the keys file, and look for mistakes and for what is probably not meant.

    Raises nothing for what the files hold.
    """
    checked = _both(path)
    if checked.config is None:
        return checked
    known = checked.inventory.mn_numbers if checked.inventory else None
    keys = check_keys(checked.config.hj212.keys_file, environment(), known)
    return replace(checked, mistakes=checked.mistakes + keys.mistakes, warnings=checked.warnings + keys.warnings)


def _both(path: Path) -> Checked:
    """Configuration and inventory."""
    source = TomlFile.read(path)
    if source.raw is None:
        return Checked(None, None, source.lines_of(source.broken), [])
    settings = {key: value for key, value in source.raw.items() if key not in SECTIONS}
    inline = {key: value for key, value in source.raw.items() if key in SECTIONS}
    config, mistakes = _config(settings, path.absolute().parent)
    mistakes += topic_mistakes(settings)

    elsewhere = settings.get("inventory")
    if not isinstance(elsewhere, str):
        inventory, wrong, entries = read_inventory(inline)
        return Checked(
            config,
            inventory,
            source.lines_of(mistakes + wrong),
            source.lines_of((config_warnings(config) if config else []) + inventory_warnings(entries)),
        )
    mistakes += [Mistake((key,), f"stands here and in inventory = {elsewhere!r}: move it there") for key in inline]
    other = TomlFile.read(path.parent / elsewhere)
    lines = source.lines_of(mistakes)
    doubts = source.lines_of(config_warnings(config) if config else [])
    if other.raw is None:
        return Checked(config, None, lines + other.lines_of(other.broken), doubts)
    inventory, wrong, entries = read_inventory(other.raw)
    return Checked(
        config,
        inventory,
        lines + other.lines_of(wrong),
        doubts + other.lines_of(inventory_warnings(entries)),
    )


def _config(raw: dict[str, Any], folder: Path) -> tuple[Config | None, list[Mistake]]:
    """The settings; paths in them are taken from the folder of their file."""
    with_data = {"data": str(Config.model_fields["data"].default), **raw}  # a default would not go through the folder
    text = json.dumps(with_data, default=as_table)  # as JSON, for the reason given at the inventory
    try:
        return Config.model_validate_json(text, strict=True, context={"folder": folder}), []
    except ValidationError as error:
        return None, mistakes_of(error, Config, raw)
