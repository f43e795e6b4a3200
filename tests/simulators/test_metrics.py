"""Figures as Prometheus reads them."""

from __future__ import annotations

import urllib.request

import numpy as np
import pytest
from servers import free_port

from simulators.errors import SimulatorError
from simulators.load_commands import VERIFY_TOLD, figures_of
from simulators.metrics import serve
from simulators.verify.tally import Arrivals, Tally


def test_figures_for_prometheus_are_of_their_kind() -> None:
    tally = Tally(2)
    tally.add(Arrivals(*(np.array(column) for column in ([0, 1], [0, 0], [0, 0], [1500, 2500]))))
    port = free_port()
    serve(port, "simulators_verify", VERIFY_TOLD, lambda: figures_of(tally, 5))
    told = urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics").read().decode().splitlines()
    assert {"simulators_verify_received_total 2.0", "simulators_verify_lost 3.0"} <= set(told)
    assert {"# TYPE simulators_verify_lost gauge", "# TYPE simulators_verify_p99_ms gauge"} <= set(told)
    assert "simulators_verify_p50_ms 1.5" in told
    assert all(line.split(" ", 3)[3] for line in told if line.startswith("# HELP"))
    with pytest.raises(SimulatorError, match=f"--metrics-port {port}: "):
        serve(port, "x", {}, dict)
