"""The service: every room built in order, run in one task group, and closed in order. `gateway run` is this.

The way of a reading and of a frame are in `gateway.ingest`, `gateway.pipeline` and `gateway.sightings`;
here is only who starts and who stops.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from typing import Final, Protocol

import structlog

from gateway.alerts.feeds import alert_payload, device_event_payload
from gateway.alerts.ledger import OUTBOX_KEPT, Ledger
from gateway.alerts.machine import AlertMachine
from gateway.alerts.publisher import OutboxPublisher
from gateway.alerts.records import Detection, Transition
from gateway.alerts.subjects import Subjects, open_zones
from gateway.alerts.texts import Texts
from gateway.channels import Channels
from gateway.checks import Checks
from gateway.clock import now_ms
from gateway.codecs import make_codecs
from gateway.codecs.seam import CodecSettings
from gateway.config import Config, environment
from gateway.config import Link as LinkSettings
from gateway.decode import Decoder
from gateway.downlink import Downlink, ways_of
from gateway.errors import GatewayError
from gateway.evidence import Evidence
from gateway.feed import Feed
from gateway.frames import Frames
from gateway.ingest import Ingest
from gateway.intake import Intake
from gateway.inventory import Inventory
from gateway.journal.journal import Journal
from gateway.keys_file import load_keys
from gateway.links import Link, open_link, templates_of
from gateway.links.hj212_tcp import Hj212TcpLink
from gateway.live import Live
from gateway.loop import cancelled
from gateway.pipeline import Pipeline
from gateway.records import DeadLetter, Decoded, DeviceEvent, Frame
from gateway.replies import Replies
from gateway.requests.exchange import Patience
from gateway.requests.ledger import RequestLedger
from gateway.requests.requests import Requests
from gateway.sightings import Sightings
from gateway.stores import open_store
from gateway.stores.seam import Rejected
from gateway.stores.writer import StoreWriter
from gateway.strangers import Strangers
from gateway.topics import Router
from gateway.watch import Watch

log = structlog.get_logger("gateway.service")

DRAIN_S: Final = 10.0
"""How long a stop waits for the store and for cameras. What the store has not taken stays in the journal."""
LETTERS_REPLAYED: Final = 500
"""Dead letters put back in at once."""
REPLAY_EVERY_S: Final = 1.0
"""Between two looks for dead letters that are to be replayed."""


class Server(Protocol):
    """What serves the API and the page in a thread of its own."""

    def start(self) -> int:
        """Listen; the port. Raises `GatewayError`."""
        ...

    def stop(self) -> None: ...


class Service:
    """One gateway on one data folder."""

    def __init__(self, config: Config, inventory: Inventory, make_server: Callable[[Service], Server]) -> None:
        """Open everything that can be wrong at once: store, ledger, journal. Raises `GatewayError`.

        `make_server` gives the server of the API and the page; it is called where the configuration has one.
        """
        self._make_server = make_server
        self.config = config
        self.inventory = inventory
        data = config.data
        self.keys = load_keys(config.hj212.keys_file, environment())
        self.channels = Channels(inventory, config.decode.max_channels)
        self.ledger = Ledger(
            data / "state.sqlite",
            letters_kept=config.decode.dead_letters_kept,
            outbox_kept=OUTBOX_KEPT if config.publish.enabled else 0,
        )
        self.store = open_store(config.store, data, self.channels)
        at_least = max(self.ledger.position(), self.store.position())
        self.journal = Journal(data / "journal", config.journal, at_least)
        self._replay_reader = self.journal.reader(self.store.position())
        self.live = Live(inventory, now_ms())
        self.feed = Feed()
        self.listeners = [
            Hj212TcpLink(each, inventory, self.keys, reply=config.hj212.reply) for each in config.listeners
        ]
        self.links: list[Link] = [*map(open_link, config.links), *self.listeners]
        router = Router(templates_of(config), inventory)
        subscriptions = [each for link in config.links for each in link.subscribe]
        settings = CodecSettings(config.decode, config.hj212, self.keys)
        codecs = make_codecs(inventory, self.channels, settings, subscriptions, config.mappings)
        self.decoder = Decoder(router, codecs)
        self.downlink = Downlink(inventory, ways_of(self.links, config))
        self.replies = Replies(self.downlink, router, enabled=config.hj212.reply)
        strangers = Strangers(config.decode.new_devices_per_minute)
        self.checks = Checks(inventory, self.channels, config.hj212, config.clocks, strangers)
        self.requests = Requests(
            inventory,
            RequestLedger(self.ledger.file),
            Patience(round(1000 * config.hj212.request_timeout_s), config.hj212.request_retries),
            self.downlink.send,
            self.feed,
            self.keys,
            self.checks.loggers.gaps,
        )
        self.writer = StoreWriter(self.store, config.writer, self._replay, self._rejected, lambda: self.journal.start)
        machine = AlertMachine(self.ledger.alerts_to_resume(), Texts(inventory))
        self.pipeline = Pipeline(
            self.decoder,
            self.checks,
            Subjects(inventory, self.channels),
            machine,
            self.ledger,
            self.writer,
            self.live,
            self._stepped,
            replies=self.replies,
            requests=self.requests,
            on_events=self._told,
            on_detections=lambda found: self.sightings.tell(found),
        )
        first = config.links[0] if config.links else LinkSettings(name="alerts")
        self.publisher = OutboxPublisher(
            self.ledger,
            config.publish,
            config.publish.broker or first,
            f"{first.client_id}-alerts",
            protocol=first.protocol,
            backoff_max_s=first.backoff_max_s,
        )
        self.frames = Frames(
            inventory,
            config.frames,
            on_result=lambda result, findings, jpeg: self.sightings.see(result, findings, jpeg),
            on_bad=self._bad_frame,
            open_since=open_zones(machine.open_alerts(), inventory),
        )
        self.evidence = Evidence(data / "evidence", config.frames.evidence_mib * 1024 * 1024)
        self.sightings = Sightings(
            inventory, self.pipeline, self.ledger, self.evidence, self.live, self.feed, self._publish_detection
        )
        self.intake = Intake()
        self.ingest = Ingest(
            self.intake, router, inventory, self.journal, self.pipeline, self.frames, self.checks.hear_camera
        )
        self.watch = Watch(
            config,
            self.links,
            self.ingest,
            self.journal,
            self.pipeline,
            self.writer,
            self.checks.strangers,
            self.sightings,
        )
        self.port = 0
        """Where the API listens, once it does."""

    async def run(self, stop: asyncio.Event, started: asyncio.Event | None = None) -> None:
        """Serve until `stop` is set, then stop taking, finish what was taken, and close.

        `started` is set when messages are taken. Raises `GatewayError` where something cannot start.
        """
        async with AsyncExitStack() as stack:
            stack.callback(self.store.close)
            stack.callback(self.ledger.close)
            stack.callback(self.requests.close)
            stack.callback(self.journal.close)
            if self.config.api.enabled:  # before the recovery: a ledger that refuses holds that up, and this says so
                server = self._make_server(self)
                stack.push_async_callback(asyncio.to_thread, server.stop)
                self.port = await asyncio.to_thread(server.start)
            if not await self._recovered(stop):
                return
            await stack.enter_async_context(self.frames)
            async with asyncio.TaskGroup() as tasks:
                behind = [tasks.create_task(self.writer.run(), name="store-writer")]
                if self.config.publish.enabled:
                    behind.append(tasks.create_task(self.publisher.run(), name="publisher"))
                behind.append(tasks.create_task(self.sightings.run(), name="sightings"))
                behind.append(tasks.create_task(self.watch.run(), name="watch"))
                behind.append(tasks.create_task(self._replay_letters(), name="replays"))
                behind.append(tasks.create_task(self.requests.run(), name="requests"))
                ingest = tasks.create_task(self.ingest.run(), name="ingest")
                links = [tasks.create_task(link.run(self.intake.put), name=link.name) for link in self.links]
                if started is not None:
                    started.set()
                await stop.wait()
                log.info("stopping")
                self.intake.shut()  # links stay connected until what they brought is acknowledged
                await self._drain()
                await cancelled([*links, ingest, *behind])
            await self.pipeline.close()
            self.watch.release()

    async def _recovered(self, stop: asyncio.Event) -> bool:
        """Take up where the last run ended. False where a stop came first: a ledger that refuses may hold it up."""
        recovery = asyncio.create_task(self.pipeline.recover(self.journal), name="recovery")
        stopping = asyncio.create_task(stop.wait(), name="stopping")
        try:
            await asyncio.wait([recovery, stopping], return_when=asyncio.FIRST_COMPLETED)
            if not recovery.done():
                return False
            recovery.result()
            return True
        finally:
            stopping.cancel()
            await cancelled([recovery])

    async def _drain(self) -> None:
        """Let what was taken reach alerts and store; what does not in time is in the journal, or counted."""
        try:
            async with asyncio.timeout(DRAIN_S):
                while self.intake.waiting or not self.ingest.idle.is_set():
                    await asyncio.sleep(0.01)
                await self.frames.drain()
                await self.sightings.drain()
                await self.pipeline.commit(snapshot=True)
                await self.writer.drain()
        except TimeoutError:
            log.warning("stopped_before_all_was_stored", stored=self.writer.position, journal=self.journal.end)

    async def _replay_letters(self) -> None:
        """Once in a while: replays that were asked for. Apart from the watch, as it waits while the journal refuses."""
        done: list[int] = []
        while True:
            await asyncio.sleep(REPLAY_EVERY_S)
            try:
                if not done:
                    asked = await asyncio.to_thread(self.ledger.take_replays, LETTERS_REPLAYED)
                    await self.ingest.replay([letter for _, letter in asked])
                    done = [number for number, _ in asked]
                if done:
                    await asyncio.to_thread(self.ledger.replayed, done)
                    log.info("dead_letters_replayed", letters=len(done))
                    done = []
            except GatewayError as error:
                log.error("dead_letters_not_replayed", reason=str(error))

    def _replay(self, position: int, most: int) -> list[Decoded]:
        """What the store writer missed: blocks from the journal, decoded again.

        Only as far as the pipeline has come: what it has not judged yet has no marks, and it will offer that itself.
        """
        if self._replay_reader.position != position:
            self._replay_reader = self.journal.reader(position)
        blocks = self._replay_reader.read(most)
        judged = [block for block in blocks if block.end <= self.pipeline.position]
        if len(judged) < len(blocks):
            self._replay_reader = self.journal.reader(judged[-1].end if judged else position)
        return [self.checks.clocks.marked(self.decoder.decode(block)) for block in judged]

    def _rejected(self, rows: list[Rejected]) -> None:
        for row in rows:
            topic = f"store/{self.config.store.kind}"
            self.pipeline.bury(
                DeadLetter(row.position, row.received, "store", topic, row.line, "store_rejected", row.detail)
            )

    def _stepped(self, steps: Sequence[Transition]) -> None:
        """Steps that are durable: to the broker, to listeners, to the log."""
        self.publisher.notify()
        for step in steps:
            alert = step.alert
            log.info("alert", step=step.step.value, alert=alert.id, level=alert.level, text=alert.text_en)
            if self.feed.listeners:
                self.feed.publish("alert", alert_payload(step))

    def _told(self, events: Sequence[DeviceEvent]) -> None:
        """Events of devices that are durable: to listeners."""
        if self.feed.listeners:
            for event in events:
                self.feed.publish("device_event", device_event_payload(event))

    def _publish_detection(self, detection: Detection) -> None:
        if self.config.publish.enabled:
            self.publisher.offer_detection(detection)

    def _bad_frame(self, frame: Frame, reason: str, detail: str) -> None:
        camera = self.inventory.cameras[frame.camera]
        topic = f"camera/{self.inventory.sites[camera.site].id}/{camera.id}"
        self.pipeline.bury(DeadLetter(-1, frame.received, "frames", topic, frame.jpeg[:4096], reason, detail))
