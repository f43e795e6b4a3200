"""The watch: once in a while it looks for what no message tells: silence, health, segments nobody needs any more."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final

import structlog

from gateway.clock import now_ms
from gateway.config import Config
from gateway.health import Condition, Health
from gateway.ingest import Ingest
from gateway.journal.journal import Journal
from gateway.links import Link
from gateway.pipeline import Pipeline
from gateway.sightings import Sightings
from gateway.stores.writer import StoreWriter
from gateway.strangers import Strangers

log = structlog.get_logger("gateway.service")

KEPT_SHARE: Final = 0.25
"""Most of the journal's bound that is kept for a store that may have lost what it took; less where it warns early."""
STALL_MS: Final = 5_000
"""A watch that comes so late was held up, and with it perhaps everything: silence is counted anew from there."""


class Watch:
    """Looks at every room of a service, every `silence_check_s`."""

    def __init__(
        self,
        config: Config,
        links: Sequence[Link],
        ingest: Ingest,
        journal: Journal,
        pipeline: Pipeline,
        writer: StoreWriter,
        strangers: Strangers,
        sightings: Sightings,
    ) -> None:
        self._config = config
        self._links = links
        self._ingest = ingest
        self._journal = journal
        self._pipeline = pipeline
        self._writer = writer
        self._strangers = strangers
        self._sightings = sightings
        self._health = Health()
        self._store_was_away = False
        self._asked_at = self._deaf_until = now_ms()

    async def run(self) -> None:
        """Watch until cancelled. Waits for the ledger at most."""
        while True:
            await asyncio.sleep(self._config.silence_check_s)
            for finding, subject in self._health.step(self._conditions(), now_ms()):
                self._pipeline.judge(finding, subject)
            await self._pipeline.tick(self._listening_since())
            await self._sightings.keep()
            self._tell_of_store()
            self.release()

    def release(self) -> None:
        """Remove segments nobody needs; those kept lest the store has lost what it took go where space is short."""
        judged = self._pipeline.snapshot_position
        kept = min(KEPT_SHARE, self._config.journal.warn_share / 2) * self._journal.limit
        self._journal.release(min(judged, self._writer.needed))
        self._journal.release(min(judged, self._writer.position), down_to=0 if self._journal.disk_full else round(kept))

    def _tell_of_store(self) -> None:
        if self._writer.away != self._store_was_away:
            self._store_was_away = self._writer.away
            if self._writer.away:
                log.warning("store_away", reason=self._writer.reason)
            else:
                log.info("store_back", behind=self._pipeline.position - self._writer.position)

    def _listening_since(self) -> int | None:
        """Since when every link is up and heard; None while one is not, or while the journal takes nothing.

        Asked once in a while. Where it was not asked for long, everything stood still (the machine slept, the disk
        was full): then too nobody listened, and what was sent meanwhile is still on its way.
        """
        now = now_ms()
        stood_still = now - self._asked_at > 1000 * self._config.silence_check_s + STALL_MS
        self._asked_at = now
        states = [link.status for link in self._links]
        deaf = self._ingest.refused or not all(state.connected for state in states)
        if deaf or stood_still:
            self._deaf_until = now
        return None if deaf else max(self._deaf_until, *(state.since for state in states))

    def _conditions(self) -> dict[str, Condition]:
        down = {f"link_{link.name}": Condition(float(not link.status.connected), 1.0) for link in self._links}
        share = 100 * self._journal.size / self._journal.limit
        return down | {
            "disk_full": Condition(float(self._journal.disk_full), 1.0, hold=0),
            "store_away": Condition(float(self._writer.away), 1.0),
            "journal_filling": Condition(share, 100 * self._config.journal.warn_share, "%", 0),
            "strangers_dropped": Condition(float(self._strangers.dropping(now_ms())), 1.0, hold=0),
            "store_skipped": Condition(float(self._writer.skipped), 1.0, hold=0),
            "journal_refuses": Condition(float(bool(self._ingest.refused)), 1.0, hold=0),
            "journal_damaged": Condition(float(self._journal.quarantine.look()), 1.0, hold=0),
        }
