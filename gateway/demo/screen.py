"""The demo's terminal: a live view with rich, or plain lines where there is no terminal."""

from __future__ import annotations

from datetime import datetime
from typing import Final, Protocol

from rich.console import Console, Group
from rich.live import Live
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from gateway.alerts.records import Alert, State
from gateway.clock import now_ms
from gateway.service import Service

PLAIN_EVERY_S: Final = 5
SHOWN: Final = 8


class Screen(Protocol):
    """Shows the state of the service once a second."""

    def update(self, seconds: int) -> None: ...
    def close(self) -> None: ...


def open_screen(service: Service, url: str, console: Console) -> Screen:
    """The screen that fits the terminal."""
    return _Rich(service, url, console) if console.is_terminal else _Plain(service, url, console)


class _Plain:
    def __init__(self, service: Service, url: str, console: Console) -> None:
        self._service = service
        self._console = console
        self._told: dict[str, State] = {}
        self._print(f"page at {url}")

    def update(self, seconds: int) -> None:
        for alert in reversed(self._service.ledger.alerts(limit=50)):
            if alert.state is not State.PENDING and self._told.get(alert.id) is not alert.state:
                self._told[alert.id] = alert.state
                self._print(f"{seconds:4d} s  {alert.state.value:8}  {alert.text_en}")
        if seconds % PLAIN_EVERY_S == 0:
            self._print(f"{seconds:4d} s  {_rates(self._service)}")

    def close(self) -> None:
        self.update(1)

    def _print(self, line: str) -> None:
        self._console.print(line, markup=False, highlight=False, soft_wrap=True)


class _Rich:
    def __init__(self, service: Service, url: str, console: Console) -> None:
        self._service = service
        self._url = url
        self._live = Live(console=console, auto_refresh=False, vertical_overflow="ellipsis")
        self._live.start()
        self.update(0)

    def update(self, seconds: int) -> None:
        ledger = self._service.ledger
        header = Text.assemble(
            ("Pollution and Video Sensor Gateway", "bold"),
            f"  demo, {seconds} s   page: ",
            (self._url, "cyan underline"),
        )
        self._live.update(
            Group(
                header,
                Text(_rates(self._service), style="dim"),
                _alerts("Open alerts", [a for a in ledger.alerts(limit=40) if a.state is not State.RESOLVED]),
                _alerts("Resolved", ledger.alerts(state=State.RESOLVED, limit=3)),
                self._detections(),
                Text("Ctrl-C ends the demo", style="dim"),
            ),
            refresh=True,
        )

    def close(self) -> None:
        self._live.stop()

    def _detections(self) -> Panel:
        table = Table.grid(padding=(0, 2))
        for each in self._service.ledger.detections(limit=3):
            moved = ", ".join(f"{zone.id} {zone.share:.0%}" for zone in each.zones if zone.share > 0)
            table.add_row(_clock(each.captured), f"{each.site}/{each.camera}", f"{len(each.boxes)} boxes", moved)
        return Panel(table, title="Last detections", title_align="left", border_style="blue")


def _alerts(title: str, alerts: list[Alert]) -> Panel:
    table = Table.grid(padding=(0, 2))
    for alert in alerts[:SHOWN]:
        colour = {State.PENDING: "yellow", State.FIRING: "bold red", State.RESOLVED: "green"}[alert.state]
        table.add_row(_clock(alert.since), Text(alert.state.value, style=colour), Text(alert.text_en))
    if len(alerts) > SHOWN:
        table.add_row("", "", f"and {len(alerts) - SHOWN} more")
    return Panel(table, title=title, title_align="left", border_style="red" if title == "Open alerts" else "green")


def _rates(service: Service) -> str:
    rates = service.live.rates(5)
    frames = service.frames.counts
    counts = service.pipeline.counts
    return (
        f"{rates.messages:.0f} messages/s  {rates.readings:.0f} readings/s  {rates.frames:.0f} frames/s   "
        f"stored {service.writer.rows}  frames {frames.analysed} (dropped {sum(frames.dropped.values())})  "
        f"dead letters {sum(counts.dead.values())}"
    )


def _clock(ms: int) -> str:
    return datetime.fromtimestamp(min(ms, now_ms()) / 1000).astimezone().strftime("%H:%M:%S")
