"""What the API and the console see of a running service: the one place that joins the two."""

from __future__ import annotations

from importlib.metadata import version

from gateway.alerts.ledger import Ledger
from gateway.api.server import ApiServer
from gateway.api.views import About, Views
from gateway.metrics import registry_of
from gateway.requests.ledger import RequestReader
from gateway.service import Service


def api_server(service: Service) -> ApiServer:
    """The server of a service's API and page, not yet started."""
    views = Views(
        inventory=service.inventory,
        channels=service.channels,
        live=service.live,
        feed=service.feed,
        ledger=Ledger.reader(service.ledger.file),
        loggers=service.checks.loggers,
        device_clock=service.checks.clocks.view,
        strangers=service.checks.strangers,
        query=service.store.query,
        revisions=service.store.revisions,
        requests=RequestReader(service.ledger.file),
        ask=service.requests.ask,
        registry=registry_of(service),
        ready=lambda: not_ready(service),
        about=lambda: about(service),
    )
    return ApiServer(views, service.config.api)


def not_ready(service: Service) -> dict[str, str]:
    """What keeps the service from doing its work now, part by part; empty when nothing does."""
    listeners = {listener.name for listener in service.listeners}
    reasons = {
        f"{'listener' if link.name in listeners else 'link'} {link.name}": link.status.last_error or "not connected yet"
        for link in service.links
        if not link.status.connected
    }
    if service.ingest.refused:
        reasons["journal"] = service.ingest.refused
    if service.pipeline.refused:
        reasons["ledger"] = service.pipeline.refused
    if service.writer.away:
        reasons["store"] = service.writer.reason
    return reasons


def about(service: Service) -> About:
    """Which gateway this is, and how its journal and store do."""
    journal = service.journal
    return About(
        name="Pollution and Video Sensor Gateway",
        version=version("pollution-video-gateway"),
        journal_bytes=journal.size,
        journal_share=journal.size / journal.limit,
        store=service.config.store.kind,
        store_away=service.writer.away,
        store_behind=max(0, service.pipeline.position - service.writer.position),
    )
