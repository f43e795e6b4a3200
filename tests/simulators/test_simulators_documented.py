"""Every command, option and scenario key is in docs/simulators.md or docs/score.md."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

import pytest
from pydantic import BaseModel
from typer.main import get_command

from simulators import faults, incidents, library, scenario, settings
from simulators.cli import app

ROOT = Path(__file__).parents[2]
TEXT = "".join((ROOT / "docs" / name).read_text("utf-8") for name in ("simulators.md", "score.md"))
COMMANDS = get_command(app).commands  # pyright: ignore[reportAttributeAccessIssue]
MODELS: list[type[BaseModel]] = [
    scenario.Scenario,
    settings.Site,
    settings.Factor,
    settings.Limit,
    settings.DeviceType,
    settings.DeviceSimulation,
    settings.CentreSettings,
    settings.Device,
    settings.Camera,
    settings.CameraSimulation,
    settings.CameraWeather,
    settings.Zone,
    settings.WeatherPlan,
    settings.WeatherRow,
    *get_args(get_args(incidents.Incident)[0]),
    *get_args(get_args(faults.Fault)[0]),
]


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_each_command_and_its_options_are_documented(name: str) -> None:
    assert re.search(rf"simulators [^\n]*\b{name}\b|`{name}", TEXT)
    for parameter in COMMANDS[name].params:
        for option in parameter.opts:
            if option.startswith("--") and option != "--help":
                assert f"`{option}`" in TEXT, option


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_each_key_of_a_scenario_is_documented(model: type[BaseModel]) -> None:
    for key in model.model_fields:
        assert re.search(rf"`{key}`|\b{key} = |\[\[?{key}\b", TEXT), key


def test_the_example_in_the_text_is_a_scenario(tmp_path: Path) -> None:
    example = re.search(r"```toml\n(about = .*?)```", TEXT, re.DOTALL)
    assert example is not None
    file = tmp_path / "example.toml"
    file.write_text(example[1], "utf-8")
    assert library.load(str(file)).incidents
