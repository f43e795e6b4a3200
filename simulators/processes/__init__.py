"""What is measured: small models of a stack, a wastewater works and a city's air, one file each.

A process is advanced by `step` and answers with the readings of that moment. It knows physics and no wire format.
"""

from __future__ import annotations

from typing import Final, Literal

from simulators.processes.ambient import Ambient
from simulators.processes.seam import Process
from simulators.processes.stack import Stack
from simulators.processes.wastewater import Wastewater

Kind = Literal["stack", "wastewater", "ambient"]

PROCESSES: Final[dict[Kind, type[Process]]] = {"stack": Stack, "wastewater": Wastewater, "ambient": Ambient}
