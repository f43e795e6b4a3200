"""The publisher: a reader of the ledger's outbox that publishes alerts over MQTT, and detections beside it.

Alerts are published at least once, each subject's steps in order: a row leaves the outbox when the broker has
acknowledged it, so what a crash or a broken connection leaves behind is published again. Detections are news of the
moment: they are not kept while the broker is away, the newest of a short queue survive and the others are counted.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Callable
from typing import Final, Literal, TypeVar, cast

import aiomqtt
import structlog

from gateway.alerts.feeds import alert_payload, detection_payload
from gateway.alerts.ledger import Ledger
from gateway.alerts.records import Detection, Transition
from gateway.config import Broker, Publish
from gateway.errors import GatewayError, LinkError
from gateway.links.backoff import Backoff
from gateway.links.tls import ssl_context
from gateway.topics import format_topic

log = structlog.get_logger("gateway.publisher")

T = TypeVar("T")

WINDOW: Final = 64
"""Alerts published at once and acknowledged together."""
DETECTIONS_QUEUED: Final = 256
"""Some ten seconds of one camera at 25 frames a second."""
LEDGER_RETRY_S: Final = 1.0
ACK_TIMEOUT_S: Final = 10.0
"""A broker that acknowledges nothing for so long is left and dialled again."""


class OutboxPublisher:
    """Publishes what the ledger's outbox holds. `run` it in the event loop; the other methods are for any thread."""

    def __init__(
        self,
        ledger: Ledger,
        settings: Publish,
        broker: Broker,
        client_id: str,
        *,
        protocol: Literal["mqtt5", "mqtt311"] = "mqtt5",
        detection_qos: Literal[0, 1] = 0,
        backoff_max_s: float = 30.0,
    ) -> None:
        """`client_id` must not be that of a link on the same broker: the two would put each other out.

        Raises ValueError where a topic of the settings is no template of its placeholders.
        """
        format_topic(settings.alert_topic, site="site", alert="alert")
        format_topic(settings.detection_topic, site="site", camera="camera")
        self._ledger = ledger
        self._settings = settings
        self._broker = broker
        self._client_id = client_id
        self._protocol = aiomqtt.ProtocolVersion.V5 if protocol == "mqtt5" else aiomqtt.ProtocolVersion.V311
        self._detection_qos = detection_qos
        self._backoff = Backoff(backoff_max_s)
        self._alerts_wait = _Bell()
        self._detections_wait = _Bell()
        self._detections: deque[Detection] = deque(maxlen=DETECTIONS_QUEUED)
        self._guard = threading.Lock()  # held for a few instructions only
        self.connected = False
        self.alerts_published = 0
        self.detections_published = 0
        self.detections_dropped = 0
        """Detections that were never published because the broker was away or too slow."""

    def notify(self) -> None:
        """Say that the ledger has committed transitions: they are published at once."""
        self._alerts_wait.ring()

    def offer_detection(self, detection: Detection) -> None:
        """Queue a detection; when the queue is full its oldest gives way and is counted."""
        with self._guard:
            if len(self._detections) == self._detections.maxlen:
                self.detections_dropped += 1
            self._detections.append(detection)
        self._detections_wait.ring()

    async def run(self) -> None:
        """Publish until cancelled, connecting again with back-off whenever the broker is away.

        Raises `LinkError` where the TLS files, and OSError or KeyError where the password, cannot be read.
        """
        loop = asyncio.get_running_loop()
        self._alerts_wait.hang(loop)
        self._detections_wait.hang(loop)
        client = self._client()
        try:
            while True:
                try:
                    async with client:
                        log.info("publisher_up", broker=self._broker.url)
                        self.connected = True
                        self._backoff.reset()
                        async with asyncio.TaskGroup() as tasks:
                            tasks.create_task(_watch(client))
                            tasks.create_task(self._publish_alerts(client))
                            tasks.create_task(self._publish_detections(client))
                except* aiomqtt.MqttError as errors:
                    self.connected = False
                    wait = self._backoff.next()
                    log.warning(
                        "publisher_down",
                        broker=self._broker.url,
                        reason=str(_first(errors)),
                        retry_s=round(wait, 2),
                    )
                    await asyncio.sleep(wait)
                    client = self._renewed(client)
        finally:
            self.connected = False
            self._alerts_wait.take_down()
            self._detections_wait.take_down()

    def _renewed(self, client: aiomqtt.Client) -> aiomqtt.Client:
        """A client with certificates and password as they are now; the old one where these are being changed."""
        try:
            return self._client()
        except (LinkError, OSError, KeyError) as error:
            log.warning("publisher_keeps_old_files", broker=self._broker.url, reason=str(error))
            return client

    def _client(self) -> aiomqtt.Client:
        login = self._broker.login
        client = aiomqtt.Client(
            self._broker.host,
            self._broker.port,
            identifier=self._client_id,
            protocol=self._protocol,
            clean_session=None if self._protocol is aiomqtt.ProtocolVersion.V5 else True,
            username=login.username or None,
            password=login.password,
            tls_context=ssl_context(self._broker.tls) if self._broker.secure else None,
            timeout=ACK_TIMEOUT_S,
            max_inflight_messages=WINDOW,
        )
        client.pending_calls_threshold = 2 * WINDOW  # a full window is no reason for its warning
        return client

    async def _publish_alerts(self, client: aiomqtt.Client) -> None:
        while True:
            waiting = await self._ask_ledger(lambda: self._ledger.outbox(WINDOW))
            if not waiting:
                await self._alerts_wait.heard()
                continue
            async with asyncio.TaskGroup() as tasks:  # tasks begin in this order, and so do the messages go out
                for _, transition in waiting:
                    tasks.create_task(self._publish_alert(client, transition))
            done = [seq for seq, _ in waiting]
            await self._ask_ledger(lambda done=done: self._ledger.outbox_done(done))
            self.alerts_published += len(waiting)

    async def _ask_ledger(self, ask: Callable[[], T]) -> T:
        """Its answer, asked for until it gives one: a full disk or a long lock must not end the gateway."""
        while True:
            try:
                return await asyncio.to_thread(ask)
            except GatewayError as error:
                log.error("outbox_not_reached", reason=str(error))
                await asyncio.sleep(LEDGER_RETRY_S)

    async def _publish_alert(self, client: aiomqtt.Client, transition: Transition) -> None:
        alert = transition.alert
        topic = format_topic(self._settings.alert_topic, site=alert.subject.site, alert=alert.id)
        await client.publish(topic, alert_payload(transition), qos=1)

    async def _publish_detections(self, client: aiomqtt.Client) -> None:
        while True:
            with self._guard:
                detection = self._detections.popleft() if self._detections else None
            if detection is None:
                await self._detections_wait.heard()
                continue
            topic = format_topic(self._settings.detection_topic, site=detection.site, camera=detection.camera)
            try:
                await client.publish(topic, detection_payload(detection), qos=self._detection_qos)
            except aiomqtt.MqttError:
                self.detections_dropped += 1
                raise
            self.detections_published += 1
            _end_if_cancelled()


def _end_if_cancelled() -> None:
    """End the task where it was cancelled and did not hear of it.

    `asyncio.wait_for` of Python 3.11, with which aiomqtt waits for a PUBACK, loses a cancellation that comes in the
    same turn as the PUBACK; and a task group cancels each of its tasks once.
    """
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError


async def _watch(client: aiomqtt.Client) -> None:
    """Nothing is subscribed, so nothing comes; the iteration raises `MqttError` when the connection breaks."""
    async for _ in client.messages:
        pass


def _first(errors: BaseExceptionGroup[aiomqtt.MqttError]) -> BaseException:
    """One of the errors of a group of groups: they come of the same break."""
    error: BaseException = errors
    while isinstance(error, BaseExceptionGroup):
        error = cast(BaseExceptionGroup[BaseException], error).exceptions[0]
    return error


class _Bell:
    """An event that any thread may set, before the loop runs, while and after."""

    def __init__(self) -> None:
        self._rung = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._guard = threading.Lock()

    def hang(self, loop: asyncio.AbstractEventLoop) -> None:
        with self._guard:
            self._loop = loop
            self._rung.set()  # look once: it may have been rung before

    def take_down(self) -> None:
        with self._guard:
            self._loop = None

    def ring(self) -> None:
        with self._guard:
            if self._loop is not None and not self._rung.is_set():
                self._loop.call_soon_threadsafe(self._rung.set)

    async def heard(self) -> None:
        await self._rung.wait()
        self._rung.clear()
