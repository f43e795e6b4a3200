"""A replay: the messages of a traffic file through the rooms of the gateway, on the clock of the file.

```
file ─> one tick's worth ─ frames ─> frame workers, none dropped ─┐
                         └ readings ─────────────────> pipeline <─┴─ sightings, in the order of the file
```

Time is the file's: a message is received when it is due, and between messages the clock ticks as often as the running
gateway looks round. What frames show is worked out ahead of the readings of the same tick and told at its place, so
that neither the speed of a worker nor that of a disk moves an alert: the same file gives the same alerts, to the byte.
"""

from __future__ import annotations

import asyncio
import itertools
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple

from detectors.records import Finding
from gateway.alerts.ledger import Ledger
from gateway.alerts.machine import AlertMachine
from gateway.alerts.records import Detection
from gateway.alerts.subjects import Subjects
from gateway.alerts.texts import Texts
from gateway.channels import Channels
from gateway.checks import Checks
from gateway.codecs import make_codecs
from gateway.codecs.seam import CodecSettings
from gateway.config import Config, environment
from gateway.decode import Decoder
from gateway.errors import GatewayError
from gateway.evidence import Evidence
from gateway.feed import Feed
from gateway.frame_door import FrameDoor
from gateway.frames import Frames
from gateway.health import Condition, Health
from gateway.inventory import Inventory
from gateway.keys_file import load_keys
from gateway.links import templates_of
from gateway.live import Live
from gateway.loop import cancelled
from gateway.pipeline import Pipeline
from gateway.records import Batch, Block, DeadLetter, Frame, FrameResult
from gateway.replay.outputs import Outputs
from gateway.replay.store import StoreNow
from gateway.replay.traffic import Arrival, Head
from gateway.sightings import Sightings
from gateway.stores.duckdb_store import DuckDbStore
from gateway.strangers import Strangers
from gateway.topics import Router

LINK: Final = "replay"
"""Stands for the link by which messages came."""
COMMIT_EVERY_MS: Final = 3_600_000
"""How often position and state are saved where nothing else is: a replay that ends early is begun again."""
AHEAD_BYTES: Final = 64 * 1024 * 1024
"""How much of the file is held at once; a tick with more is taken in parts."""


@dataclass(slots=True)
class FileClock:
    """The clock of the file."""

    now: int
    """ms UTC."""

    def __call__(self) -> int:
        return self.now


class _Received(NamedTuple):
    """What came at one time: messages for the pipeline, and frames with what is to be seen in them."""

    batch: Batch
    frames: list[Frame]


class Replay:
    """One run of the rooms of the gateway over one file. `data` is a folder for what is not kept."""

    def __init__(
        self, config: Config, inventory: Inventory, head: Head, first: int, outputs: Outputs, data: Path
    ) -> None:
        """`first` is when the first message is due, ms UTC. Raises `GatewayError`."""
        self._config = config
        self._start = head.start_ms if head.start_ms is not None else first
        self._end = self._start + round(1000 * (head.seconds or 0))
        """Not before the last message, where that is later."""
        self._outputs = outputs
        self._data = data
        self._clock = clock = FileClock(self._start)
        self._next_tick = self._start + self._tick_ms
        channels = Channels(inventory, config.decode.max_channels)
        keys = load_keys(config.hj212.keys_file, environment())
        self._ledger = Ledger(data / "state.sqlite", letters_kept=config.decode.dead_letters_kept, outbox_kept=0)
        self._store = StoreNow(
            DuckDbStore(data / "readings.duckdb", channels),
            config.writer.batch_rows,
            lambda letter: self._pipeline.bury(letter),
        )
        router = Router(templates_of(config), inventory)
        subscriptions = [each for link in config.links for each in link.subscribe]
        settings = CodecSettings(config.decode, config.hj212, keys)
        decoder = Decoder(router, make_codecs(inventory, channels, settings, subscriptions, config.mappings))
        strangers = Strangers(config.decode.new_devices_per_minute)
        self._checks = Checks(inventory, channels, config.hj212, config.clocks, strangers)
        live = Live(inventory, self._start)
        self._pipeline = Pipeline(
            decoder,
            self._checks,
            Subjects(inventory, channels),
            AlertMachine([], Texts(inventory)),
            self._ledger,
            self._store,
            live,
            outputs.steps,
            clock,
            on_detections=self._of_edge_nodes,
            commit_every_ms=COMMIT_EVERY_MS,
            snapshot_every_ms=COMMIT_EVERY_MS,
        )
        self._frames = Frames(inventory, config.frames, on_result=self._analysed, on_bad=self._bad_frame)
        evidence = Evidence(outputs.folder / "evidence", config.frames.evidence_mib * 1024 * 1024)
        self._sightings = Sightings(
            inventory, self._pipeline, self._ledger, evidence, live, Feed(), self._outputs.detection
        )
        self._at_door: list[Frame] = []
        self._door = FrameDoor(router, inventory, self, self._checks.hear_camera, self._pipeline.bury)
        self._inventory = inventory
        self._seen: dict[int, deque[tuple[FrameResult, list[Finding], bytes]]] = {}
        """Camera to what its frames of this tick show, in order."""
        self._health = Health()

    async def run(self, arrivals: Iterator[Arrival], stop: asyncio.Event) -> dict[str, object]:
        """Play all arrivals; the summary. Raises `GatewayError`, also where `stop` is set before the end."""
        try:
            async with self._frames:
                telling = asyncio.create_task(self._sightings.run(), name="sightings")
                for part in self._parts(arrivals):
                    if stop.is_set():
                        raise GatewayError("stopped before the end of the file: what was written is not all of it")
                    self._end = max(self._end, part[-1].due)
                    await self._play(part)
                await self._tick_until(self._end)
                await self._sightings.drain()
                await cancelled([telling])
            await self._store.write(all_of_it=True)
            await self._pipeline.close()
            self._outputs.dead_letters(self._ledger)
        finally:
            self._store.close()
            self._ledger.close()
        await asyncio.to_thread(self._outputs.readings, self._data / "readings.duckdb")
        summary = self._summary()
        self._outputs.summary(summary)
        return summary

    @property
    def _tick_ms(self) -> int:
        return max(1, round(1000 * self._config.silence_check_s))

    def offer(self, frame: Frame) -> None:
        """A frame from the door."""
        self._at_door.append(frame)

    def _parts(self, arrivals: Iterator[Arrival]) -> Iterator[list[Arrival]]:
        """What came between two ticks, in parts that fit into memory."""
        part: list[Arrival] = []
        size = 0
        for arrival in arrivals:
            end = self._start + ((part[0].due - self._start) // self._tick_ms + 1) * self._tick_ms if part else 0
            if part and (arrival.due >= end or size > AHEAD_BYTES):
                yield part
                part, size = [], 0
            part.append(arrival)
            size += len(arrival.payload)
        if part:
            yield part

    async def _play(self, part: list[Arrival]) -> None:
        await self._tick_until(part[0].due)
        received = [self._take(due, list(same)) for due, same in itertools.groupby(part, lambda arrival: arrival.due)]
        for each in received:
            for frame in each.frames:
                await self._frames.put(frame)
        await self._frames.drain()
        for each in received:
            self._clock.now = each.batch.received
            if each.batch.topics:
                position = self._pipeline.position
                block = Block(position, each.batch.received, LINK, each.batch.topics, each.batch.payloads)
                await self._pipeline.process(block)
            for frame in each.frames:
                await self._tell(frame)
        await self._store.write()

    def _take(self, due: int, arrivals: list[Arrival]) -> _Received:
        captured = {row: str(each.captured) for row, each in enumerate(arrivals) if each.captured is not None}
        topics, payloads = [each.topic for each in arrivals], [each.payload for each in arrivals]
        rest = self._door.split(Batch(LINK, due, topics, payloads, captured, lambda: None))
        frames, self._at_door = self._at_door, []
        return _Received(rest, frames)

    def _analysed(self, result: FrameResult, findings: list[Finding], jpeg: bytes) -> None:
        self._seen.setdefault(result.camera, deque()).append((result, findings, jpeg))

    async def _tell(self, frame: Frame) -> None:
        """What a frame showed, to the alerts; nothing where it could not be analysed."""
        waiting = self._seen.get(frame.camera)
        if waiting and (waiting[0][0].captured, waiting[0][0].received) == (frame.captured, frame.received):
            result, findings, jpeg = waiting.popleft()
            self._sightings.see(result, findings, jpeg)
            if findings:
                await self._sightings.drain()

    def _of_edge_nodes(self, detections: Sequence[Detection]) -> None:
        self._sightings.tell(detections)

    def _bad_frame(self, frame: Frame, reason: str, detail: str) -> None:
        camera = self._inventory.cameras[frame.camera]
        topic = f"camera/{self._inventory.sites[camera.site].id}/{camera.id}"
        self._pipeline.bury(DeadLetter(-1, frame.received, LINK, topic, frame.jpeg[:4096], reason, detail))

    async def _tick_until(self, until: int) -> None:
        """Look round at every tick up to and at `until`, ms UTC."""
        while self._next_tick <= until:
            self._clock.now = self._next_tick
            dropping = {
                "strangers_dropped": Condition(float(self._checks.strangers.dropping(self._next_tick)), 1, hold=0)
            }
            for finding, subject in self._health.step(dropping, self._next_tick):
                self._pipeline.judge(finding, subject)
            await self._pipeline.tick(self._start)
            await self._sightings.keep()
            self._next_tick += self._tick_ms

    def _summary(self) -> dict[str, object]:
        counts, frames = self._pipeline.counts, self._frames.counts
        return {
            "start_ms": self._start,
            "end_ms": self._end,
            "messages": counts.messages,
            "readings": counts.readings,
            "stored": self._store.rows,
            "duplicates": self._store.duplicates,
            "revisions": self._store.revisions,
            "frames": frames.received,
            "frames_analysed": frames.analysed,
            "frames_dropped": dict(sorted(frames.dropped.items())),
            "detections": self._sightings.detections,
            "dead_letters": dict(sorted(counts.dead.items())),
            "alerts": {f"{family} {step}": n for (family, step), n in sorted(counts.steps.items())},
        }
