"""Metrics: what `/metrics` shows, gathered from the rooms' own counters when it is asked for.

Nothing is counted twice and nothing costs the hot path: rooms keep plain integers, and this reads them.
`docs/metrics.md` lists every name; a test holds the two together.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from gateway.marks import CLOCKS

if TYPE_CHECKING:
    from gateway.service import Service


def registry_of(service: Service) -> CollectorRegistry:
    """A registry with the service's metrics and those of the process."""
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    PlatformCollector(registry=registry)
    GCCollector(registry=registry)
    registry.register(_ServiceCollector(service))
    return registry


class _ServiceCollector(Collector):
    def __init__(self, service: Service) -> None:
        self._service = service

    def collect(self) -> Iterator[Metric]:
        yield from self._links()
        yield from self._listeners()
        yield from self._ingest()
        yield from self._loggers()
        yield from self._journal()
        yield from self._store()
        yield from self._alerts()
        yield from self._frames()
        yield from self._requests()

    def _links(self) -> Iterator[Metric]:
        connected = GaugeMetricFamily("gateway_link_connected", "1 while the link is up", labels=["link"])
        reconnects = CounterMetricFamily("gateway_link_reconnects", "Connections after the first", labels=["link"])
        received = CounterMetricFamily("gateway_link_received", "Messages read, repeats included", labels=["link"])
        acked = CounterMetricFamily("gateway_link_acked", "Messages acknowledged to the broker", labels=["link"])
        stale = CounterMetricFamily("gateway_link_stale_acks", "Acknowledgements whose link was gone", labels=["link"])
        large = CounterMetricFamily("gateway_link_oversized", "Messages too large for the link", labels=["link"])
        sent = CounterMetricFamily("gateway_link_sent", "Messages to devices handed to the network", labels=["link"])
        unsent = CounterMetricFamily("gateway_link_unsent", "Messages to devices dropped", labels=["link"])
        deaf = CounterMetricFamily("gateway_link_deaf", "Connections ended as they heard nothing", labels=["link"])
        warnings = GaugeMetricFamily("gateway_link_warnings", "What its broker does not allow", labels=["link"])
        for link in self._service.links:
            status = link.status
            deaf.add_metric([link.name], status.deaf)
            warnings.add_metric([link.name], len(status.warnings))
            connected.add_metric([link.name], float(status.connected))
            reconnects.add_metric([link.name], status.reconnects)
            received.add_metric([link.name], status.received)
            acked.add_metric([link.name], status.acked)
            stale.add_metric([link.name], status.stale_acks)
            large.add_metric([link.name], status.oversized)
            sent.add_metric([link.name], status.sent)
            unsent.add_metric([link.name], status.unsent)
        yield from (connected, reconnects, received, acked, stale, large, sent, unsent, deaf, warnings)

    def _listeners(self) -> Iterator[Metric]:
        open_now = GaugeMetricFamily("gateway_listener_connections", "Connections that are open", labels=["listener"])
        paused = GaugeMetricFamily("gateway_listener_paused", "Connections held back", labels=["listener"])
        accepted = CounterMetricFamily("gateway_listener_accepted", "Connections made", labels=["listener"])
        logins = CounterMetricFamily("gateway_listener_logins", "Devices logged in", labels=["listener"])
        refused = CounterMetricFamily("gateway_listener_refused", "Frames turned away", labels=["listener", "reason"])
        closed = CounterMetricFamily(
            "gateway_listener_closed", "Connections ended by us", labels=["listener", "reason"]
        )
        read = CounterMetricFamily("gateway_listener_bytes", "Bytes read", labels=["listener"])
        for listener in self._service.listeners:
            counts, label = listener.counts, [listener.name]
            open_now.add_metric(label, listener.connections)
            paused.add_metric(label, listener.paused)
            accepted.add_metric(label, counts.accepted)
            logins.add_metric(label, counts.logins)
            read.add_metric(label, counts.bytes)
            for family, reasons in ((refused, counts.refused), (closed, counts.closed)):
                for reason, n in dict(reasons).items():
                    family.add_metric([*label, reason], n)
        yield from (open_now, paused, accepted, logins, refused, closed, read)
        replies = self._service.replies
        yield _count("gateway_replies_sent", "Replies to HJ 212 frames handed to the network", replies.sent)
        yield _count("gateway_replies_unsent", "Replies that no connection took", replies.unsent)

    def _ingest(self) -> Iterator[Metric]:
        service = self._service
        counts = service.pipeline.counts
        yield _count("gateway_messages", "Messages journalled and processed", counts.messages)
        yield _count("gateway_readings", "Readings decoded", counts.readings)
        yield _count("gateway_alive_messages", "Messages without readings that are no mistake", counts.alive_only)
        yield _count("gateway_replayed_messages", "Messages run again silently at the start", counts.replayed)
        clocks = service.checks.clocks
        verdicts = GaugeMetricFamily("gateway_clocks", "Devices by the verdict on their clock", labels=["verdict"])
        for word, n in zip(CLOCKS, clocks.verdicts(), strict=True):
            verdicts.add_metric([word.replace(" ", "_")], n)
        yield verdicts
        yield _count("gateway_readings_early", "Readings stamped later than they were received", clocks.early)
        yield _count("gateway_readings_late", "Readings received long after they were due", clocks.late)
        judged_late = service.checks.judged_late
        yield _count("gateway_readings_judged_late", "Late readings, judged apart from live ones", judged_late)
        judged = CounterMetricFamily(
            "gateway_readings_not_judged", "Readings stored but not held against limits", labels=["reason"]
        )
        judged.add_metric(["ahead"], service.checks.not_judged.ahead)
        yield judged
        dead = CounterMetricFamily("gateway_dead_letters", "Messages that could not be used", labels=["reason"])
        for reason, n in dict(counts.dead).items():
            dead.add_metric([reason], n)
        yield dead
        strangers = service.checks.strangers
        yield _gauge("gateway_strangers", "Names outside the inventory that are listed", len(strangers))
        yield _count("gateway_strangers_dropped", "Dead letters of new names beyond the bound", strangers.dropped)
        yield _gauge("gateway_channels", "Channels in use", len(service.channels))

    def _loggers(self) -> Iterator[Metric]:
        totals = self._service.checks.loggers.totals()
        yield _count("gateway_hj212_frames", "HJ 212 frames read, quarantined ones included", totals.frames)
        verdicts = CounterMetricFamily(
            "gateway_hj212_verdicts", "Verdicts on HJ 212 frames: how they depart from the standard", labels=["verdict"]
        )
        for word, n in totals.verdicts.items():
            verdicts.add_metric([word], n)
        yield verdicts
        yield _count("gateway_hj212_repeats", "HJ 212 messages that devices sent again", totals.repeats)
        yield _count(
            "gateway_hj212_sets_incomplete", "Split messages of which packets did not come", totals.sets_incomplete
        )
        yield _count("gateway_hj212_sets_dropped", "Split messages let go for want of room", totals.sets_dropped)
        yield _gauge("gateway_hj212_gaps", "Gaps in minute and hour data that are open now", totals.gaps)

    def _journal(self) -> Iterator[Metric]:
        journal, pipeline = self._service.journal, self._service.pipeline
        yield _gauge("gateway_journal_bytes", "Size on disk", journal.size)
        yield _gauge("gateway_journal_limit_bytes", "Bound on the size", journal.limit)
        yield _gauge("gateway_journal_end_position", "Messages journalled since the first", journal.end)
        yield _gauge("gateway_pipeline_position", "Messages decoded, checked and alerted", pipeline.position)
        yield _count(
            "gateway_journal_damaged_messages", "Messages that could not be read again", journal.quarantine.messages
        )
        yield _gauge("gateway_journal_quarantined", "Damaged stretches in quarantine", journal.quarantine.stretches)
        yield _count("gateway_journal_syncs", "Group commits", journal.syncs)
        yield _gauge(
            "gateway_journal_refuses", "1 while it takes no messages", float(bool(self._service.ingest.refused))
        )

        yield _gauge("gateway_disk_full", "1 while the disk of the journal is full", float(journal.disk_full))
        yield _gauge("gateway_ledger_refuses", "1 while it takes no commit", float(bool(pipeline.refused)))

    def _store(self) -> Iterator[Metric]:
        writer = self._service.writer
        yield _gauge("gateway_store_position", "Messages stored", writer.position)
        yield _gauge("gateway_store_away", "1 while writes fail and are tried again", float(writer.away))
        yield _count("gateway_store_rows", "Points written", writer.rows)
        yield _count("gateway_store_duplicates", "Points that were there already", writer.duplicates)
        yield _count("gateway_store_rechecked", "Points offered again to a store reached anew", writer.rechecked)
        yield _count("gateway_store_restored", "Those of them that it had not any more", writer.restored)
        yield _count("gateway_store_revisions", "Other values for stored instants", writer.revisions)
        yield _count(
            "gateway_store_not_looked_up",
            "Points that may have replaced another: the database cannot be asked",
            writer.not_looked_up,
        )
        yield _count("gateway_store_rejected", "Points the database refused, now dead letters", writer.rejected)
        yield _count(
            "gateway_store_skipped", "Messages the journal had no more when the store came to them", writer.skipped
        )
        yield _count("gateway_store_writes", "Writes that the store took", writer.writes)
        yield _count("gateway_store_retries", "Writes tried again", writer.retries)

    def _alerts(self) -> Iterator[Metric]:
        service = self._service
        steps = CounterMetricFamily("gateway_alert_steps", "Steps of alerts", labels=["family", "step"])
        for (family, step), n in dict(service.pipeline.counts.steps).items():
            steps.add_metric([family, step], n)
        yield steps
        publisher = service.publisher
        yield _count("gateway_alerts_published", "Alert steps the broker has taken", publisher.alerts_published)
        yield _count("gateway_detections_published", "Detections published", publisher.detections_published)
        yield _count("gateway_detections_dropped", "Detections never published", publisher.detections_dropped)

    def _frames(self) -> Iterator[Metric]:
        service = self._service
        counts = service.frames.counts
        yield _count("gateway_frames_received", "Camera frames offered to workers", counts.received)
        yield _count("gateway_frames_analysed", "Camera frames analysed", counts.analysed)
        dropped = CounterMetricFamily("gateway_frames_dropped", "Frames not analysed", labels=["reason"])
        for reason, n in dict(counts.dropped).items():
            dropped.add_metric([reason], n)
        yield dropped
        yield _count(
            "gateway_findings_dropped", "Camera findings lost to slow evidence", service.sightings.findings_dropped
        )
        yield _count(
            "gateway_detections_not_kept",
            "Detections lost to a ledger that took none",
            service.sightings.detections_dropped,
        )
        yield _count("gateway_evidence_removed", "Evidence pictures removed to make room", service.evidence.removed)

    def _requests(self) -> Iterator[Metric]:
        requests = self._service.requests
        yield _gauge("gateway_requests_open", "Commands to devices that are not finished", requests.open)
        steps = CounterMetricFamily("gateway_request_steps", "Steps of commands to devices", labels=["state", "why"])
        for (state, why), n in dict(requests.steps).items():
            steps.add_metric([state, why], n)
        yield steps
        strays = CounterMetricFamily(
            "gateway_request_strays", "Answers of devices that nobody waited for", labels=["kind"]
        )
        for kind, n in dict(requests.strays).items():
            strays.add_metric([kind], n)
        yield strays


def _count(name: str, text: str, value: float) -> Metric:
    return CounterMetricFamily(name, text, value=value)


def _gauge(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(name, text, value=value)
