"""What is burnt: what each fuel puts into its flue gas, and what its plants take out again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal

Fired = Literal["coal", "gas", "oil", "waste"]
SO2: Final = "a21026"
NOX: Final = "a21002"
DUST: Final = "a34013"
POLLUTANTS: Final = (SO2, NOX, DUST)
AIR_O2: Final = 20.95
"""Percent of dry air."""


@dataclass(frozen=True, slots=True)
class Fuel:
    """One fuel in a usual plant. Concentrations are mg/m3, dry, 273.15 K, 101.325 kPa, at reference oxygen."""

    reference_o2: float
    """Percent: GB 13223-2011 for coal, gas and oil in power plants, GB 18485-2014 for waste."""
    sulphur: float
    """Percent of the fuel's mass."""
    ash: float
    dry_gas_m3: float
    """Dry flue gas at reference oxygen of one kilogram."""
    sulphur_freed: float
    """Share of the sulphur that leaves as SO2; the rest stays in the ash."""
    ash_carried: float
    """Share of the ash that flies."""
    nox: float
    """Behind the burners, before removal."""
    clean: Mapping[str, float]
    """What the usual removal leaves of the usual fuel, by factor."""
    oxygen: float
    """Percent, dry, at the usual load."""
    temperature: float
    """C at the sampling platform."""
    moisture: float
    """Percent by volume."""
    velocity: float
    """m/s at full load."""
    area_m2: float
    """Cross-section at the sampling platform."""
    load: float
    """Usual load as a share of the full one."""
    swing: float
    """How far the load goes up by day and down by night."""

    def raw(self, sulphur: float | None, ash: float | None) -> dict[str, float]:
        """Before removal, by factor, from percent of sulphur (SO2 weighs twice as much) and ash in the fuel."""
        sulphur = self.sulphur if sulphur is None else sulphur
        ash = self.ash if ash is None else ash
        return {
            SO2: sulphur * 1e4 * 2 * self.sulphur_freed / self.dry_gas_m3,
            NOX: self.nox,
            DUST: ash * 1e4 * self.ash_carried / self.dry_gas_m3,
        }


FUELS: Final[Mapping[Fired, Fuel]] = MappingProxyType(
    {
        # A 600 MW unit: low-NOx burners and SCR, electrostatic filter, wet limestone desulphurisation.
        "coal": Fuel(
            reference_o2=6.0,
            sulphur=0.9,
            ash=22.0,
            dry_gas_m3=8.3,
            sulphur_freed=0.9,
            ash_carried=0.85,
            nox=250.0,
            clean={SO2: 17.0, NOX: 31.0, DUST: 3.6},
            oxygen=5.6,
            temperature=50.0,
            moisture=11.5,
            velocity=17.0,
            area_m2=38.0,
            load=0.78,
            swing=0.10,
        ),
        # A boiler on natural gas with low-NOx burners; nothing is removed.
        "gas": Fuel(
            reference_o2=3.0,
            sulphur=0.002,
            ash=0.0025,
            dry_gas_m3=13.8,
            sulphur_freed=1.0,
            ash_carried=1.0,
            nox=26.0,
            clean={SO2: 2.9, NOX: 26.0, DUST: 1.8},
            oxygen=3.6,
            temperature=95.0,
            moisture=15.5,
            velocity=13.0,
            area_m2=3.0,
            load=0.70,
            swing=0.20,
        ),
        # A boiler on heavy oil: SCR, filter, lime.
        "oil": Fuel(
            reference_o2=3.0,
            sulphur=0.8,
            ash=0.05,
            dry_gas_m3=12.2,
            sulphur_freed=0.97,
            ash_carried=1.0,
            nox=350.0,
            clean={SO2: 38.0, NOX: 70.0, DUST: 8.0},
            oxygen=4.0,
            temperature=120.0,
            moisture=11.0,
            velocity=13.0,
            area_m2=4.0,
            load=0.70,
            swing=0.15,
        ),
        # A grate for 500 t of household waste a day: SNCR, lime, bag filter.
        "waste": Fuel(
            reference_o2=11.0,
            sulphur=0.15,
            ash=20.0,
            dry_gas_m3=4.2,
            sulphur_freed=0.8,
            ash_carried=0.1,
            nox=350.0,
            clean={SO2: 25.0, NOX: 140.0, DUST: 4.0},
            oxygen=8.5,
            temperature=145.0,
            moisture=18.0,
            velocity=14.0,
            area_m2=4.5,
            load=0.95,
            swing=0.02,
        ),
    }
)
SUPPORT: Final = MappingProxyType({SO2: 150.0, NOX: 250.0, DUST: 60.0})
"""What the oil gives that a cold furnace is lit with; a cleaner fuel is lit with itself."""
