"""The pipeline: a journalled block decoded, checked, alerted, and handed to the store. The way of a reading.

Alert changes, dead letters and the journal position are committed in one transaction. What the detectors remember
is saved every few seconds with the position it belongs to. After a crash the detectors take up that snapshot, run
silently to the committed position, and from there on as ever: every message has moved the alerts exactly once.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Protocol

import structlog

from detectors.records import Finding
from gateway.alerts.feeds import detection_of_event
from gateway.alerts.ledger import Ledger
from gateway.alerts.machine import AlertMachine
from gateway.alerts.records import CLAIMS, Detection, Subject, Transition
from gateway.alerts.subjects import Subjects, open_gaps, open_identities, open_silences
from gateway.checks import Checks
from gateway.clock import now_ms
from gateway.decode import Decoder
from gateway.errors import GatewayError
from gateway.gathered import Gathered
from gateway.health import lasted
from gateway.journal.journal import Journal
from gateway.live import Live
from gateway.reasons import Reason, shown
from gateway.records import Block, DeadLetter, Decoded, DeviceEvent, LoggerFrame

log = structlog.get_logger("gateway.pipeline")

SNAPSHOT_EVERY_MS = 5_000
"""How often the detectors' state is saved: so much is at most run again, silently, after a crash."""
COMMIT_EVERY_MS = 1_000
"""How often the position alone is committed."""
CATCH_UP_MESSAGES = 5_000
"""Messages read at once from the journal when starting."""
RETRY_S = 0.5
"""Pause before a ledger that refused is tried again."""


class Answers(Protocol):
    """What the pipeline needs of `gateway.replies`."""

    def answer(self, block: Block, frames: Sequence[LoggerFrame]) -> None: ...


class Asked(Protocol):
    """What the pipeline needs of `gateway.requests.requests`."""

    def heard(self, frames: Sequence[LoggerFrame], *, live: bool = True) -> None: ...


class StoreSide(Protocol):
    """What the pipeline needs of the store writer."""

    def offer(self, decoded: Decoded) -> None: ...


@dataclass(slots=True)
class Counts:
    """What became of everything that came in. Run from the start of the process."""

    messages: int = 0
    readings: int = 0
    alive_only: int = 0
    dead: Counter[str] = field(default_factory=Counter[str])
    steps: Counter[tuple[str, str]] = field(default_factory=Counter[tuple[str, str]])
    """(family, step) of alerts."""
    replayed: int = 0
    """Messages run again when starting, silently."""


class Pipeline:
    """Processes blocks in journal order. Lives in the ingest loop; commits in a thread of its own."""

    def __init__(
        self,
        decoder: Decoder,
        checks: Checks,
        subjects: Subjects,
        machine: AlertMachine,
        ledger: Ledger,
        store: StoreSide,
        live: Live,
        on_steps: Callable[[Sequence[Transition]], None],
        clock: Callable[[], int] = now_ms,
        on_events: Callable[[Sequence[DeviceEvent]], None] = lambda _: None,
        on_detections: Callable[[Sequence[Detection]], None] = lambda _: None,
        *,
        replies: Answers | None = None,
        requests: Asked | None = None,
        commit_every_ms: int = COMMIT_EVERY_MS,
        snapshot_every_ms: int = SNAPSHOT_EVERY_MS,
    ) -> None:
        """`on_steps` is called after a commit with the steps it made durable: to publish and to show them.

        `on_events` likewise with the events of devices; these may come twice after a crash. `on_detections` likewise
        with what edge nodes of cameras saw and the ledger did not have yet. `replies` is told of every block but those
        run again when starting; `requests` also of those that were not handled before the start: an answer may be
        among them. Alerts are committed at once; the position alone, and the state of the detectors, every so often.
        """
        self._decoder = decoder
        self._checks = checks
        self._loggers = checks.loggers
        self._clocks = checks.clocks
        self._identities = checks.identities
        self._strangers = checks.strangers
        self._subjects = subjects
        self._machine = machine
        self._ledger = ledger
        self._store = store
        self._live = live
        self._on_steps = on_steps
        self._on_events = on_events
        self._on_detections = on_detections
        self._clock = clock
        self._replies = replies
        self._requests = requests
        self._commit_every = commit_every_ms
        self._snapshot_every = snapshot_every_ms
        self._thread = ThreadPoolExecutor(1, "ledger")
        self._lock = asyncio.Lock()
        self._waiting = Gathered()
        self._committed_at = 0
        self._snapshot_at = clock()
        self.position = 0
        """Everything before it has been decoded, checked and alerted."""
        self.snapshot_position = 0
        """Where the last saved state of the detectors stands: the journal is needed from here on."""
        self.refused = ""
        """Why the ledger takes no commit now; empty while it does."""
        self._refused_since = 0
        self.counts = Counts()

    async def recover(self, journal: Journal) -> None:
        """Take up where the last run ended: snapshot, silent replay to the committed position, then the rest."""
        committed = self._ledger.position()
        saved = self._ledger.snapshot()
        start = 0
        if saved is not None and self._checks.load(saved[1]):
            start = saved[0]
        # The ledger, not the snapshot, knows what was told of: silences and gaps are committed when they are found.
        inventory = self._checks.inventory
        self._checks.resume_silences(*open_silences(self._machine.open_alerts(), inventory))
        self._loggers.resume_gaps(open_gaps(self._machine.open_alerts(), inventory))
        self._clocks.resume(self._ledger.clock_steps())
        self._identities.resume(*open_identities(self._machine.open_alerts(), inventory), committed)
        self.position = self.snapshot_position = start
        reader = journal.reader(start)
        while blocks := reader.read(CATCH_UP_MESSAGES):
            for block in blocks:
                if block.end <= committed:
                    decoded, _, _ = self._clocks.step(self._decoder.decode(block))
                    self._checks.step(decoded)
                    self._loggers.step(decoded)
                    self._identities.step(decoded.claims, decoded.received)
                    self._strangers.sift(decoded.dead, decoded.strange)
                    self.counts.replayed += len(block)
                    self.position = block.end
                else:
                    await self.process(block, live=False)
            await asyncio.sleep(0)
        self.position = max(self.position, committed)
        log.info("recovered", snapshot=start, committed=committed, position=self.position)

    async def process(self, block: Block, *, live: bool = True) -> None:
        """The way of a block: decode, check, alert, hand to the store. Returns when its alerts are durable.

        A block that is not `live` comes from the journal while links are down: its devices are not answered.
        """
        decoded, clock_steps, clock_findings = self._clocks.step(self._decoder.decode(block))
        inventory = self._checks.inventory
        self._waiting.clocks += clock_steps
        self._alert(clock_findings)
        findings = self._checks.step(decoded)
        self._waiting.events += self._loggers.step(decoded)
        self._alert(findings)
        for finding, claimed in self._identities.step(decoded.claims, decoded.received):
            self._alert([finding], [f"{CLAIMS}{shown(claimed)}"])
        self._bury(self._strangers.sift(decoded.dead, decoded.strange))
        self._waiting.detections += [detection_of_event(one, block.received, inventory) for one in decoded.detections]
        self._store.offer(decoded)
        if live and self._replies is not None:
            self._replies.answer(block, decoded.frames)
        if self._requests is not None:
            self._requests.heard(decoded.frames, live=live)
        self._show(block, decoded)
        self.position = block.end
        if self._waiting.pressing:
            await self.commit()

    async def tick(self, listening_since: int | None) -> None:
        """Once a second: silence, late readings that nothing followed, missing data, and a commit of what has gathered.

        `listening_since` is as in `Checks.silence`.
        """
        now = self._clock()
        self._alert(self._checks.silence(now, listening_since))
        self._alert(self._identities.judge(now, listening_since))
        self._alert(self._checks.late(now))
        self._waiting.events += self._loggers.tick(now)
        self._alert(self._loggers.judge(now))
        await self.commit()

    async def report(self, findings: Sequence[Finding], evidence: Iterable[str] = ()) -> None:
        """Findings from elsewhere (cameras, the gateway itself), made alerts and committed."""
        self._alert(findings, evidence)
        if self._waiting.steps:
            await self.commit()

    def bury(self, letter: DeadLetter) -> None:
        """A dead letter that did not come from a block (a frame, a row the store refused)."""
        strange = [letter] if letter.reason == Reason.UNKNOWN_CAMERA else []
        self._bury(self._strangers.sift([letter], strange))

    async def commit(self, *, snapshot: bool = False, once: bool = False) -> None:
        """Make durable what has gathered, in one transaction with the position; then tell of the steps.

        Waits for as long as the ledger refuses; or tries `once`, at the end: the next start reads the journal again.
        """
        async with self._lock:
            now = self._clock()
            due = snapshot or now - self._snapshot_at >= self._snapshot_every
            if not (self._waiting or due or now - self._committed_at >= self._commit_every):
                return
            # No await between here and the call below: what has gathered, position and state belong together.
            taken, position = self._waiting.take(), self.position
            state = self._checks.dump() if due else None
            while (new := await self._try(position, taken, state)) is None:
                if once:
                    log.error("stopped_before_all_was_committed", position=position, reason=self.refused)
                    return
                await asyncio.sleep(RETRY_S)  # the disk refuses; ingest waits meanwhile, so nothing is lost
            self._committed_at = now
            if due:
                self._snapshot_at, self.snapshot_position = now, position
        if taken.steps:
            self._on_steps(taken.steps)
        if taken.events:
            self._on_events(taken.events)
        if new:
            self._on_detections(new)

    async def _try(self, position: int, taken: Gathered, state: bytes | None) -> Sequence[Detection] | None:
        """Commit once; the detections that were new, or None where the ledger refused.

        A commit under way is waited for, also when cancelled.
        """
        new: Sequence[Detection] | None = None
        parts = (taken.steps, taken.dead, state, taken.events, taken.detections, taken.clocks)
        commit = asyncio.get_running_loop().run_in_executor(self._thread, self._ledger.commit, position, *parts)
        try:
            await asyncio.wait([commit])
        finally:
            await asyncio.wait([commit])
            try:
                new = commit.result()
            except GatewayError as error:
                self._refuse(str(error))
            else:
                self._waiting.forget(taken)
                self._take_again()
        return new

    def _refuse(self, reason: str) -> None:
        if not self.refused:
            self._refused_since = self._clock()
        if reason != self.refused:
            self.refused = reason
            log.error("ledger_refuses", reason=reason)

    def _take_again(self) -> None:
        """After a refusal: an alert tells of it now, since it could not be kept while it lasted."""
        if self.refused:
            self.refused = ""
            log.info("ledger_writes_again")
            for finding, subject in lasted("ledger_refuses", self._refused_since, self._clock()):
                self.judge(finding, subject)

    async def close(self) -> None:
        """Commit everything with a snapshot: the next start has nothing to run again."""
        await self.commit(snapshot=True, once=True)
        self._thread.shutdown()

    def judge(self, finding: Finding, subject: Subject, evidence: Iterable[str] = ()) -> None:
        """Hold one finding against the open alerts; the step it makes waits for the next commit."""
        step = self._machine.apply(finding, subject, self._clock(), evidence)
        if step is not None:
            self._waiting.steps.append(step)
            self.counts.steps[step.alert.subject.family, step.step] += 1

    def _alert(self, findings: Sequence[Finding], evidence: Iterable[str] = ()) -> None:
        for finding in findings:
            self.judge(finding, self._subjects.of(finding), evidence)

    def _bury(self, letters: Sequence[DeadLetter]) -> None:
        if letters:
            self._waiting.dead += letters
            self.counts.dead.update(letter.reason for letter in letters)

    def _show(self, block: Block, decoded: Decoded) -> None:
        counts = self.counts
        counts.messages += len(block)
        counts.readings += len(decoded.readings)
        counts.alive_only += decoded.alive_only
        self._live.update(decoded.readings)
        self._live.hear(decoded.devices, decoded.received)
        self._live.count(messages=len(block), readings=len(decoded.readings))
