"""Faults: what goes wrong, or is made to, between the world and the centre. One file a kind, one line here."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from simulators.faults.bias import Bias
from simulators.faults.clock_drift import ClockDrift
from simulators.faults.clock_step import ClockStep
from simulators.faults.delay import Delay, NetworkJitter
from simulators.faults.disconnect import Disconnect, ReconnectStorm
from simulators.faults.drift import Drift
from simulators.faults.duplicate import Duplicate
from simulators.faults.fraud.air import Dilution, ProbeOut
from simulators.faults.fraud.calibration_abuse import CalibrationAbuse
from simulators.faults.fraud.capped import Capped
from simulators.faults.fraud.clean_water import CleanWater
from simulators.faults.fraud.clock_rewound import ClockRewound
from simulators.faults.fraud.coefficient_changed import CoefficientChanged
from simulators.faults.fraud.constant import Constant
from simulators.faults.fraud.false_mark import FalseMark
from simulators.faults.fraud.floor import Floor
from simulators.faults.fraud.flow_understated import FlowUnderstated
from simulators.faults.fraud.oxygen_lowered import OxygenLowered
from simulators.faults.fraud.range_changed import RangeChanged
from simulators.faults.fraud.replayed import Replayed
from simulators.faults.fraud.shared_series import SharedSeries
from simulators.faults.fraud.smoothed import Smoothed
from simulators.faults.fraud.withheld import Withheld
from simulators.faults.loss import Loss
from simulators.faults.off import Dead, Reboot
from simulators.faults.out_of_order import OutOfOrder
from simulators.faults.outage import Outage
from simulators.faults.payload.bad_crc import BadCrc
from simulators.faults.payload.huge import Huge
from simulators.faults.payload.truncated import Truncated
from simulators.faults.payload.values import NotANumber, UnknownField, WrongType
from simulators.faults.payload.whose import WrongMn, WrongTopic
from simulators.faults.retained_replay import RetainedReplay
from simulators.faults.saturation import Saturation
from simulators.faults.spike import Spike
from simulators.faults.stuck import Stuck
from simulators.faults.wrong_unit import WrongUnit

__all__ = ["Fault"]

Fault = Annotated[
    Stuck
    | Drift
    | Spike
    | Bias
    | Saturation
    | WrongUnit
    | Dead
    | Reboot
    | ClockStep
    | ClockDrift
    | Duplicate
    | OutOfOrder
    | Constant
    | Floor
    | Capped
    | Smoothed
    | Replayed
    | Dilution
    | OxygenLowered
    | CoefficientChanged
    | RangeChanged
    | CleanWater
    | ProbeOut
    | FalseMark
    | CalibrationAbuse
    | Withheld
    | ClockRewound
    | SharedSeries
    | FlowUnderstated
    | Truncated
    | BadCrc
    | NotANumber
    | WrongType
    | UnknownField
    | Huge
    | WrongTopic
    | WrongMn
    | Loss
    | Delay
    | NetworkJitter
    | Disconnect
    | Outage
    | ReconnectStorm
    | RetainedReplay,
    Field(discriminator="kind"),
]
