"""Figures of a command for Prometheus, while it runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

from prometheus_client import CollectorRegistry, start_http_server
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from simulators.errors import SimulatorError


class Told(NamedTuple):
    """How a figure is told."""

    help: str
    counts: bool = True
    """Whether it only grows."""


class _Figures(Collector):
    """Figures as they stand when they are asked for."""

    def __init__(self, prefix: str, told: Mapping[str, Told], figures: Callable[[], Mapping[str, float]]) -> None:
        self._prefix, self._told, self._figures = prefix, told, figures

    def collect(self) -> Iterator[Metric]:
        for name, value in self._figures().items():
            told = self._told[name]
            kind = CounterMetricFamily if told.counts else GaugeMetricFamily
            yield kind(f"{self._prefix}_{name}", told.help, value=value)


def serve(port: int | None, prefix: str, told: Mapping[str, Told], figures: Callable[[], Mapping[str, float]]) -> None:
    """Serve figures on a port of 127.0.0.1 until the process ends. Raises `SimulatorError` where it is taken.

    `told`: how each of the figures is told, by its name.
    """
    if port is None:
        return
    registry = CollectorRegistry()
    registry.register(_Figures(prefix, told, figures))
    try:
        start_http_server(port, "127.0.0.1", registry)
    except (OSError, OverflowError) as error:
        raise SimulatorError(f"--metrics-port {port}: {error}") from error
