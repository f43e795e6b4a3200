"""A scenario against a broker, a centre, or both: everything put together and taken apart again."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass

from simulators.arguments import say
from simulators.broker import Broker
from simulators.clock import NoClock, WallClock
from simulators.errors import CentreError
from simulators.fleet import Witness
from simulators.loggers.carrier import Carrier
from simulators.loggers.office import Office
from simulators.outlets import Outlets
from simulators.play import TruthSink, play
from simulators.progress import Timeline
from simulators.publish import Publisher
from simulators.scenario import Scenario
from simulators.session import Protocol
from simulators.stopping import patience_s


@dataclass(frozen=True, slots=True)
class Ways:
    """Where a scenario's messages go."""

    broker: Broker
    centre: tuple[str, int] | None = None
    """Where loggers on connections of their own (carrier `tcp`) find their centre."""
    protocol: Protocol = "mqtt5"
    connect_timeout_s: float = 30.0


def centre_of(text: str | None) -> tuple[str, int] | None:
    """The address of `--hj212`. Raises `CentreError`."""
    if text is None:
        return None
    host, _, port = text.rpartition(":")
    if not host or not port.isdecimal() or not 0 < int(port) < 65_536:
        raise CentreError(f"{text}: expected HOST:PORT")
    return host.strip("[]"), int(port)


def play_live(
    plan: Scenario,
    name: str,
    seed: int,
    ways: Ways,
    clock: WallClock | NoClock,
    stop: threading.Event,
    *,
    seconds: float | None = None,
    truth: TruthSink | None = None,
    witness: Witness | None = None,
    tell: Callable[[str], None] = say,
) -> dict[str, object]:
    """Connect, play, disconnect; what `--report` writes.

    The clock begins when all are connected. Raises `BrokerError` and `CentreError` where a connection that the scenario
    needs cannot be had.
    """
    office = Office(plan, clock.now, truth)
    publisher = carrier = None
    if plan.cameras or len(office.loggers) < len(plan.devices):
        publisher = Publisher(ways.broker, ways.protocol, tell, hear=office.hear, ears=office.ears)
    if office.loggers:
        if ways.centre is None:
            raise CentreError("the scenario has loggers over TCP: give --hj212 HOST:PORT, where the gateway listens")
        carrier = Carrier(ways.centre, office.loggers, office.hear, clock.now, patient=clock.patient, seed=seed)
    outlets = Outlets(publisher, carrier, office.wants)
    outlets.connect(ways.connect_timeout_s, stop)
    start = clock.begin()
    office.begin(start)
    tell(f"playing {name} with seed {seed} against {outlets}; Ctrl-C ends it")
    with Timeline(seconds) as shown:
        played = play(
            plan,
            name,
            seed,
            outlet=outlets,
            clock=clock,
            stop=stop,
            seconds=seconds,
            truth=truth,
            start=start,
            controls=office.controls,
            witness=witness,
            shown=shown,
        )
    outlets.close(patience_s(stop))
    return played.json() | {"commands": office.commands}
