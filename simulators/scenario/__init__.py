"""A scenario: who sends what, and what happens when. Strict TOML: a misspelt key is an error with its line.

What there is stands in `simulators.settings`; beside it a scenario has `incidents` and `faults`.
"""

from simulators.scenario.scenario import Scenario

__all__ = ["Scenario"]
