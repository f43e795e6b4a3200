"""All monitors of a scenario to which a centre can talk."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from simulators.faults.seam import LinkFault
from simulators.formats.choose import hj212_writer
from simulators.formats.hj212 import Writer
from simulators.loggers.answers import Answer, Desk, Note
from simulators.loggers.control import Control
from simulators.records import Message
from simulators.scenario import Scenario

REALTIME: Final = b";CN=2011;"


class Office:
    """One desk for each monitor that speaks HJ 212."""

    def __init__(self, scenario: Scenario, now: Callable[[], int], note: Note | None) -> None:
        """`now`: ms UTC, of the scenario. `note`: told what commands have changed."""
        self._now = now
        self.controls: dict[str, Control] = {}
        """By `site/device`."""
        self.loggers: dict[str, tuple[Writer, Control]] = {}
        """Those on connections of their own."""
        self.ears: dict[str, tuple[str, str]] = {}
        """Reply topic of each of the others to its key and the topic on which it answers."""
        self._desks: dict[str, Desk] = {}
        for device in scenario.devices:
            settings = scenario.resolve(device)
            simulate = settings.simulate
            if simulate.codec != "hj212":
                continue
            key = f"{device.site}/{device.id}"
            writer = hj212_writer(scenario, device)
            control = Control(0, round(settings.interval_s * 1000), writer=writer)
            control.minute_min = simulate.minute_interval
            control.overtime_s, control.recount = simulate.overtime_s, simulate.recount
            self.controls[key] = control
            control.breaks = [
                fault
                for fault in scenario.faults
                if isinstance(fault, LinkFault) and fault.hits_device(device.site, device.id)
            ]
            self._desks[key] = Desk(device.site, device.id, writer, control, note)
            if simulate.carrier == "tcp":
                self.loggers[key] = writer, control
            elif simulate.reply_topic:
                topic = simulate.reply_topic.replace("{site}", device.site).replace("{device}", device.id)
                self.ears[topic] = key, f"pollution/{device.site}/{device.id}/data"

    @property
    def commands(self) -> int:
        """Commands that were answered."""
        return sum(desk.answered for desk in self._desks.values())

    def begin(self, start: int) -> None:
        """The scenario begins at `start` (ms UTC)."""
        for control in self.controls.values():
            control.start = start

    def wants(self, message: Message) -> bool:
        """Whether the centre wants a message: it may have stopped the real-time data of a monitor (2012).

        Asked when a message is sent and not when it is made, for a stream is made ahead.
        """
        control = self.controls.get(message.connection or "/".join(message.topic.split("/")[1:3]))
        return control is None or control.realtime or REALTIME not in message.payload

    def hear(self, key: str, frame: bytes) -> list[Answer]:
        """What a monitor answers to a frame that came for it."""
        return self._desks[key].hear(frame, self._now())
