"""What a scenario may say of a process and of the analysers on it; all of it are keys of `simulate`."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from simulators.processes.fuels import FUELS, Fired, Fuel

Percent = Annotated[float, Field(ge=0, le=100)]
Positive = Annotated[float, Field(gt=0)]


class ProcessSettings(BaseModel):
    """What is measured, and how; a key without a value is left to the process."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    means: dict[str, float] = Field(default_factory=dict[str, float])
    """Long-term mean of a factor, in place of the process's own; of a stack's pollutants at reference oxygen."""
    unit: Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]{0,64}$")] = ""
    """The boiler or furnace of the site whose gas a stack's monitor sees: monitors of one unit share its load."""
    fuel: Fired = "coal"
    sulphur: Percent | None = None
    """Percent of the fuel's mass."""
    ash: Percent | None = None
    """Percent of the fuel's mass."""
    reference_o2: Annotated[float, Field(ge=0, le=20)] | None = None
    """Percent, where the trade's standard has another than the fuel's."""
    area_m2: Positive | None = None
    """Cross-section of the stack at the sampling platform."""
    height_m: Positive | None = None
    """Of the stack's mouth; only a stack that has one reaches the stations downwind."""
    latitude: Annotated[float, Field(ge=-90, le=90)] | None = None
    """Where the device stands; the site's, where it is not given."""
    longitude: Annotated[float, Field(ge=-180, le=180)] | None = None
    ranges: dict[str, Positive] = Field(default_factory=dict[str, Positive])
    """Full scale of an analyser: what is more is shown as that, with flag T."""
    detection: dict[str, Positive] = Field(default_factory=dict[str, Positive])
    """Detection limit of an analyser: what is less is shown as half of it."""
    drift: Annotated[float, Field(ge=0, le=0.2)] = 0.0
    """Share of full scale a day by which an analyser runs away until it is calibrated, to one side by chance."""
    cycle_s: Annotated[float, Field(ge=0, le=14_400)] = 0.0
    """Seconds from one result to the next of analysers that work on samples (COD, ammonia, phosphorus, nitrogen)."""

    @property
    def burnt(self) -> Fuel:
        return FUELS[self.fuel]

    @property
    def reference(self) -> float:
        """Reference oxygen in percent."""
        return self.burnt.reference_o2 if self.reference_o2 is None else self.reference_o2
