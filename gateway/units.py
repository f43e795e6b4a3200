"""Units: what a declared unit is worth in the inventory's. A table of the units of this field, and nothing guessed.

An own table and not `pint`: measured, pint 0.25 takes 0.18 s and 19 MiB to start and 83 us a conversion, knows
neither `mg/m3`, `NTU` nor SenML's `Cel`, and reads the `C` of every Chinese logger as coulomb. Here a conversion is
three floats, which the codecs remember for each pair of units.

>>> conversion("ug/m3", "mg/m3")
Conversion(times=1.0, over=1000.0, plus=0.0)
>>> conversion("C", "K").apply(20.0)
293.15
"""

from __future__ import annotations

from fractions import Fraction
from typing import Final, NamedTuple

Exact = tuple[str, Fraction, Fraction]
"""Dimension, and scale and offset to its base: `base = value * scale + offset`."""


class UnitMismatch(ValueError):
    """One unit cannot be had from the other; the sentence names both."""


class Conversion(NamedTuple):
    """`value * times / over + plus`: whole numbers where they can be, so that 35.2 ug/m3 is 0.0352 mg/m3 exactly."""

    times: float
    over: float
    plus: float

    def apply(self, value: float) -> float:
        return value * self.times / self.over + self.plus


IDENTITY: Final = Conversion(1.0, 1.0, 0.0)

MOLAR_MASS: Final = {
    "a05001": Fraction("44.009"),  # CO2
    "a05002": Fraction("16.043"),  # CH4
    "a05024": Fraction("47.997"),  # O3
    "a21001": Fraction("17.031"),  # NH3
    "a21002": Fraction("46.005"),  # NOx, as NO2: so the emission standards GB 13223 and GB 13271 count it
    "a21003": Fraction("30.006"),  # NO
    "a21004": Fraction("46.005"),  # NO2
    "a21005": Fraction("28.010"),  # CO
    "a21006": Fraction("20.006"),  # HF
    "a21022": Fraction("70.90"),  # Cl2
    "a21024": Fraction("36.46"),  # HCl
    "a21026": Fraction("64.06"),  # SO2
    "a21028": Fraction("34.08"),  # H2S
    "a25002": Fraction("78.114"),  # benzene
    "a25003": Fraction("92.141"),  # toluene
    "a31001": Fraction("30.026"),  # formaldehyde
}
"""g/mol of the gases that analysers give in ppm (IUPAC abridged atomic weights 2021). Mixtures have none."""

_GAS_CONSTANT: Final = Fraction("8.314462618")  # J/(mol K), CODATA 2018
_PRESSURE: Final = 101_325  # Pa; GB 3095, GB 13223 and HJ 75 all state it, with 273.15 K or 298.15 K


def _table() -> dict[str, Exact]:
    """Canonical spelling to what it is."""
    made: dict[str, Exact] = {}

    def add(dimension: str, **scales: str | int | Fraction) -> None:
        more(dimension, scales)

    def more(dimension: str, scales: dict[str, str | int | Fraction]) -> None:
        made.update({name: (dimension, Fraction(scale), Fraction(0)) for name, scale in scales.items()})

    mass: dict[str, str | int | Fraction] = {"ng": "1e-12", "ug": "1e-9", "mg": "1e-6", "g": "1e-3", "kg": 1, "t": 1000}
    volume: dict[str, str | int | Fraction] = {"mL": "1e-6", "cm3": "1e-6", "L": "1e-3", "dm3": "1e-3", "m3": 1}
    time: dict[str, str | int | Fraction] = {"ms": "1e-3", "s": 1, "min": 60, "h": 3600, "d": 86_400}
    length: dict[str, str | int | Fraction] = {"um": "1e-6", "mm": "1e-3", "cm": "1e-2", "m": 1, "km": 1000}
    for dimension, units in (("mass", mass), ("volume", volume), ("time", time), ("length", length)):
        more(dimension, units)
    ratios = (
        ("concentration", mass, volume),
        ("flow", volume, time),
        ("mass flow", mass, time),
        ("speed", length, time),
        ("count in volume", {"count": 1}, volume),
        ("activity in volume", {"Bq": 1}, volume),
    )
    for dimension, above, below in ratios:
        for upper, scale in above.items():
            more(dimension, {f"{upper}/{lower}": Fraction(scale) / Fraction(size) for lower, size in below.items()})
    add("pressure", Pa=1, hPa=100, kPa=1000, MPa="1e6", mbar=100, bar="1e5", atm=_PRESSURE, mmHg="133.322387415")
    made["K"] = ("temperature", Fraction(1), Fraction(0))
    made["degC"] = ("temperature", Fraction(1), Fraction("273.15"))
    made["degF"] = ("temperature", Fraction(5, 9), Fraction("459.67") * Fraction(5, 9))
    more("ratio", {"1": 1, "%": "1e-2", "ppm": "1e-6", "ppb": "1e-9"})
    more("number", {"-": 1})
    more("turbidity", {"NTU": 1})
    more("conductivity", {"S/m": 1, "mS/m": "1e-3", "uS/m": "1e-6", "S/cm": 100, "mS/cm": "0.1", "uS/cm": "1e-4"})
    more("area", {"cm2": "1e-4", "m2": 1, "km2": "1e6"})
    add("energy", J=1, kJ=1000, Wh=3600, kWh="3.6e6", MWh="3.6e9")
    add("power", W=1, kW=1000, MW="1e6")
    add("current", mA="1e-3", A=1)
    add("voltage", mV="1e-3", V=1, kV=1000)
    add("frequency", Hz=1, kHz=1000)
    more("rotation", {"r/min": 1, "r/s": 60})
    more("irradiance", {"W/m2": 1})
    add("illuminance", lx=1)
    add("sound level", dB=1)
    add("angle", degree=1)
    more("dose rate", {"nSv/h": "1e-9", "uSv/h": "1e-6", "mSv/h": "1e-3", "Sv/h": 1})
    more("absorbed dose rate", {"nGy/h": "1e-9", "uGy/h": "1e-6", "Gy/h": 1})
    # What follows has no other unit in use: known so that it is equal to itself however it is spelt.
    for lone in ("degree (Pt-Co)", "t/(km2.month)", "coulomb", "farad", "kat", "lm", "lx.s", "W/m2.sr"):
        made[lone] = (lone, Fraction(1), Fraction(0))
    return made


UNITS: Final = _table()
"""Every unit that is known, by its canonical spelling."""

SPELLINGS: Final = {
    "C": "degC",
    "°C": "degC",
    "℃": "degC",
    "Cel": "degC",
    "°F": "degF",
    "℉": "degF",
    "deg": "degree",
    "°": "degree",
    "rpm": "r/min",
    "RPM": "r/min",
    "PPM": "ppm",
    "PPB": "ppb",
    "%RH": "%",
    "": "-",
    "pH": "-",
    "mL/m3": "ppm",
    "umol/mol": "ppm",
    "nmol/mol": "ppb",
    "ul/l": "ppm",
    "uL/L": "ppm",
    "l": "L",
    "l/s": "L/s",
    "l/min": "L/min",
    "l/h": "L/h",
    "ml": "mL",
    "1/L": "count/L",
    "kpa": "kPa",
    "ng/l": "ng/L",
    "ug/l": "ug/L",
    "mg/l": "mg/L",
    "g/l": "g/L",
    "KPa": "kPa",
    "Kpa": "kPa",
}
"""Other spellings, after the signs of `_SIGNS` are written in ASCII. Nothing here has a second meaning in the field."""

SENML: Final = {"C": "coulomb", "F": "farad", "/": "1", "count": "1", "/100": "%", "l": "L", "%RH": "%"}
"""SenML's registry (RFC 8428, 12.1, and RFC 8798) where it means another thing than `SPELLINGS`, or says more."""

_SIGNS: Final = str.maketrans({"³": "3", "²": "2", "µ": "u", "μ": "u", "／": "/", "％": "%", "^": "", "·": "."})


def canonical(text: str, *, senml: bool = False) -> str | None:
    """The canonical spelling of a unit, None where it is not known. Case counts: `mPa` is not `MPa`."""
    if senml and text in SENML:
        return SENML[text]
    plain = text.strip().translate(_SIGNS)
    plain = SPELLINGS.get(plain, plain)
    return plain if plain in UNITS else None


def conversion(
    given: str, wanted: str, *, factor: str = "", kelvin: float | None = None, senml: bool = False
) -> Conversion:
    """How a value in `given` becomes one in `wanted`. Raises `UnitMismatch`.

    A volume share (ppm) becomes a mass concentration only for a `factor` whose molar mass is known and where `kelvin`,
    the temperature at 101.325 kPa that its concentrations refer to, is stated. `senml`: `given` is a name of SenML's
    registry. A unit that is in no table is equal to itself only.
    """
    if given == wanted and not (senml and given in SENML):
        return IDENTITY
    have, need = canonical(given, senml=senml), canonical(wanted)
    if have is None:
        raise UnitMismatch(f"unit {given!r} is not known; the inventory has {wanted!r}")
    if need is None:
        raise UnitMismatch(f"unit {given!r} cannot be converted to the inventory's {wanted!r}, which is not known")
    if have == need:
        return IDENTITY
    (kind, scale, offset), (other, size, start) = UNITS[have], UNITS[need]
    if kind != other:
        scale *= _density(kind, other, given, wanted, factor, kelvin)
    return _made(scale / size, (offset - start) / size)


def _density(kind: str, other: str, given: str, wanted: str, factor: str, kelvin: float | None) -> Fraction:
    """kg/m3 in a volume share of 1, or its inverse. Raises `UnitMismatch` where the two have nothing in common."""
    if {kind, other} != {"ratio", "concentration"}:
        raise UnitMismatch(f"unit {given!r} is a {kind}, the inventory's {wanted!r} a {other}")
    mass = MOLAR_MASS.get(factor)
    if mass is None:
        raise UnitMismatch(f"unit {given!r} cannot become {wanted!r}: no molar mass is known of factor {factor!r}")
    if kelvin is None:
        raise UnitMismatch(
            f"unit {given!r} cannot become {wanted!r}: state the reference temperature of {factor!r} (reference_c)"
        )
    density = mass / 1000 * _PRESSURE / (_GAS_CONSTANT * Fraction(str(kelvin)))
    return density if kind == "ratio" else 1 / density


def _made(scale: Fraction, offset: Fraction) -> Conversion:
    small = scale.limit_denominator(10**12)
    if small == scale and scale.numerator < 2**53:
        return Conversion(float(scale.numerator), float(scale.denominator), float(offset))
    return Conversion(float(scale), 1.0, float(offset))
