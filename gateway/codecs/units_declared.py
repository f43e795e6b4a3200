"""Units that payloads declare: their values in the inventory's unit. Readings that declare none never come here."""

from __future__ import annotations

import math
from typing import Final, NamedTuple

from gateway.codecs.cache import Cache
from gateway.inventory import Factor, Inventory
from gateway.reasons import BadPayload, Reason, shown
from gateway.units import Conversion, UnitMismatch, conversion

SAME_UNIT: Final = frozenset(("Rtd", "Avg", "Min", "Max", "ZsRtd", "ZsAvg", "ZsMin", "ZsMax"))
"""Fields in the factor's own unit. A total (`Cou`) has another one, which the inventory does not know."""
REMEMBERED: Final = 100_000
"""Bound on remembered (device, factor, unit): units come from outside."""

_Answer = Conversion | str
"""A refusal is remembered with its sentence."""


class _Key(NamedTuple):
    device: int
    factor: str
    unit: str
    senml: bool


class DeclaredUnits:
    """Converts declared units, each pair of units worked out once."""

    def __init__(self, inventory: Inventory) -> None:
        self._factors: list[dict[str, Factor]] = [{one.code: one for one in each.factors} for each in inventory.devices]
        self._known: Cache[_Key, _Answer] = Cache(REMEMBERED)

    def value(
        self, device: int, factor: str, field: str, value: float, unit: str, where: str, *, senml: bool = False
    ) -> float:
        """The value in the inventory's unit; as it is where the inventory has no unit for it.

        That is so for factors outside the inventory, and for fields not in the factor's own unit. `where` names the
        reading in the sentence. Raises `BadPayload`.
        """
        if field not in SAME_UNIT:
            return value
        key = _Key(device, factor, unit, senml)
        answer = self._known.get(key)
        if answer is None:
            answer = self._work_out(key)
            if len(unit) <= 64:
                self._known.keep(key, answer)
        if isinstance(answer, str):
            raise BadPayload(Reason.UNIT_MISMATCH, f"{where}: {answer}")
        converted = value * answer.times / answer.over + answer.plus
        if math.isinf(converted):
            raise BadPayload(Reason.BAD_VALUE, f"{where} is {shown(value)} {unit}, which is beyond all numbers")
        return converted

    def _work_out(self, key: _Key) -> _Answer:
        known = self._factors[key.device].get(key.factor)
        if known is None:
            return Conversion(1.0, 1.0, 0.0)
        given = key.unit if len(key.unit) <= 64 else f"{key.unit[:61]}..."
        try:
            return conversion(given, known.unit, factor=known.code, kelvin=known.kelvin, senml=key.senml)
        except UnitMismatch as mismatch:
            return str(mismatch)
