"""The errors of the simulators, as one tree."""

from __future__ import annotations


class SimulatorError(Exception):
    """Something is wrong that the user can mend; the message says what."""


class ScenarioError(SimulatorError):
    """The scenario has mistakes: one line for each, with file, line and key."""


class BrokerError(SimulatorError):
    """The broker cannot be reached, or refused the connection."""


class CentreError(SimulatorError):
    """The centre cannot be reached over HJ 212's own TCP."""


def first_line(error: Exception) -> str:
    """What a database says, without the query that it shows behind it."""
    return str(error).partition("\n")[0]
