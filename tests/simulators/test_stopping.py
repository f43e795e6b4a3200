"""Signals end a run in order, whatever it is doing when they come."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from simulators.stopping import SETTLE_S, STOPPED_S, patience_s, stopped_by_signals

IN_THE_MIDDLE_OF_A_WAIT = """
import os, signal
from simulators.stopping import stopped_by_signals
with stopped_by_signals() as stop:
    with stop._cond:
        os.kill(os.getpid(), signal.SIGINT)
    assert stop.wait(10)
print("ended")
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_sets_the_event_and_the_handlers_are_put_back(number: signal.Signals) -> None:
    before = signal.getsignal(number)
    with stopped_by_signals() as stop:
        assert patience_s(stop) == SETTLE_S
        os.kill(os.getpid(), number)
        assert stop.wait(10)
        assert signal.getsignal(number) == before, "a second one acts as it always does"
        assert patience_s(stop) == STOPPED_S
    assert signal.getsignal(number) == before


def test_a_signal_that_comes_while_the_event_is_locked_ends_it_too() -> None:
    done = subprocess.run([sys.executable, "-c", IN_THE_MIDDLE_OF_A_WAIT], capture_output=True, timeout=20, check=True)
    assert done.stdout == b"ended\n"
