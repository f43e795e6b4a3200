"""Views: all that the API and the console see of the gateway, handed to them as one record.

Everything here may be called from the API's thread and its workers while the ingest loop goes on.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, NotRequired, Protocol, TypedDict

from fastapi import Depends
from fastapi import Request as HttpRequest
from prometheus_client import CollectorRegistry

from gateway.alerts.ledger_reader import Counts, KeptEvent, KeptLetter
from gateway.alerts.records import Alert, Detection, Family, State, Transition
from gateway.api.problems import Problem
from gateway.channels import ChannelKey, Channels
from gateway.clock import now_ms
from gateway.clocks import ClockView
from gateway.feed import Feed
from gateway.inventory import Inventory
from gateway.live import Live
from gateway.loggers.views import LoggerView
from gateway.requests.records import Request, Step
from gateway.requests.records import State as RequestState
from gateway.stores.seam import Revision, Series, WhichRevisions
from gateway.strangers import Stranger


class About(TypedDict):
    """Which gateway this is, and how its journal and store do. What is not known is left out."""

    name: str
    version: str
    journal_bytes: NotRequired[int]
    """Size of the journal on disk."""
    journal_share: NotRequired[float]
    """That size as a share of its bound."""
    store: NotRequired[str]
    """Kind of store: `duckdb`, `influxdb`, `influxdb1`."""
    store_away: NotRequired[bool]
    """True while writes to the store fail and are tried again."""
    store_behind: NotRequired[int]
    """Messages in the journal that are not yet stored."""


class LedgerView(Protocol):
    """The read side of the alert ledger, as `gateway.alerts.ledger_reader.LedgerReader` has it. Calls block."""

    def alerts(
        self,
        state: State | None = None,
        family: Family | None = None,
        site: str | None = None,
        subject: str | None = None,
        limit: int = 100,
        before: str | None = None,
        include_withdrawn: bool = False,
    ) -> list[Alert]:
        """Alerts, latest `since` first; `before` is the id of the last one of the page before."""
        ...

    def alert(self, id: str) -> Alert | None:
        """One alert as it stands."""
        ...

    def history(self, id: str) -> list[Transition]:
        """The audit trail of one alert, in the order of its steps."""
        ...

    def detections(
        self,
        site: str | None = None,
        camera: str | None = None,
        start: int | None = None,
        end: int | None = None,
        limit: int = 100,
    ) -> list[Detection]:
        """Detections with start <= captured < end (ms UTC), newest first."""
        ...

    def device_events(self, site: str, device: str, limit: int = 100, before: int | None = None) -> list[KeptEvent]:
        """Events of a device, newest first; `before` is the id of the last one of the page before."""
        ...

    def dead_letters(self, reason: str | None = None, limit: int = 100, before: int | None = None) -> list[KeptLetter]:
        """Dead letters, newest first; `before` is the id of the last one of the page before."""
        ...

    def counts(self) -> Counts:
        """What there is and has been, of one moment."""
        ...


class RequestsView(Protocol):
    """Requests as `gateway.requests.ledger.RequestReader` has them. Calls block."""

    def request(self, id: str) -> Request | None:
        """One request as it stands."""
        ...

    def steps(self, id: str) -> list[tuple[int, Step]]:
        """The audit trail of one request, in the order of its steps, with their numbers."""
        ...

    def requests(
        self,
        site: str | None = None,
        device: str | None = None,
        state: RequestState | None = None,
        limit: int = 100,
        before: str | None = None,
    ) -> list[Request]:
        """Requests, the latest asked first; `before` is the id of the last one of the page before."""
        ...


class LoggersView(Protocol):
    """What is known of loggers that speak HJ 212, as `gateway.loggers.loggers.Loggers` has it."""

    def views(self, devices: Sequence[int]) -> list[LoggerView]:
        """What is known of these devices, in their order, without those never heard."""
        ...

    def worst_first(self) -> list[int]:
        """Devices heard of, by share of frames with a verdict, the worst first."""
        ...


class StrangersView(Protocol):
    """Who sends and is not in the inventory, as `gateway.strangers.Strangers` has it."""

    def listed(self) -> list[Stranger]:
        """All that are kept, the last heard first."""
        ...


@dataclass(frozen=True, slots=True)
class Views:
    inventory: Inventory
    channels: Channels
    live: Live
    feed: Feed
    ledger: LedgerView
    loggers: LoggersView
    device_clock: Callable[[int], ClockView]
    """What is known of the clock of a device, by its number."""
    strangers: StrangersView
    query: Callable[[ChannelKey, int, int, int], Series]
    """`Store.query`: key, start, end, limit. Blocks, so it is called in a worker thread. Raises `StoreError`."""
    revisions: Callable[[WhichRevisions], list[Revision]]
    """`Store.revisions`. Blocks. Raises `StoreError`."""
    requests: RequestsView
    ask: Callable[[Request], Request]
    """`Requests.ask`: writes a request down; it comes back refused where it may not be sent. Blocks."""
    registry: CollectorRegistry
    ready: Callable[[], dict[str, str]]
    """What is not ready, name to reason; empty when all is."""
    about: Callable[[], About]
    clock: Callable[[], int] = now_ms
    """ms UTC."""

    def site(self, id: str, place: str = "query") -> int:
        """The number of a site. Raises a `Problem` that names the parameter."""
        for number, site in enumerate(self.inventory.sites):
            if site.id == id:
                return number
        raise Problem(404, f"no site {id!r} in the inventory", "site", place)

    def device(self, site: str, id: str, place: str = "query") -> int:
        """The number of a device. Raises a `Problem` that names the parameter."""
        number = self.inventory.device_numbers.get((site, id))
        if number is None:
            self.site(site, place)
            raise Problem(404, f"no device {id!r} at site {site!r} in the inventory", "device", place)
        return number

    def camera(self, site: str, id: str, place: str = "path") -> int:
        """The number of a camera. Raises a `Problem` that names the parameter."""
        number = self.inventory.camera_numbers.get((site, id))
        if number is None:
            self.site(site, place)
            raise Problem(404, f"no camera {id!r} at site {site!r} in the inventory", "camera", place)
        return number


def _views(request: HttpRequest) -> Views:
    return request.app.state.views


GetViews = Annotated[Views, Depends(_views)]
"""The views, as a parameter of a route."""
