"""The demo's broker: amqtt (MQTT 3.1.1) on loopback, for whoever has none installed. Not for production.

`python -m gateway.demo.broker --port 0` prints its address as one line when it is ready and ends on SIGINT or SIGTERM.
The demo starts it so, which keeps its work off the event loop of the gateway.

What amqtt 0.12 does that a production broker must not, and the demo lives with:

- A message of QoS 1 that its subscriber has not acknowledged within 5 s, or before it disconnects, is given up.
  Here that is counted (`given_up`) and told on standard error.
- Its queues have no bound and publishers are never slowed: beyond what it can forward its memory grows.
- Nothing outlives the process, and sessions end with their connection, as users are not told apart.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
from types import TracebackType
from typing import Annotated, Self

import typer
from amqtt.adapters import StreamReaderAdapter, StreamWriterAdapter
from amqtt.broker import Broker
from amqtt.contexts import BrokerConfig, ListenerConfig, ListenerType

LISTENER = "default"
HANDLER_LOGGER = "amqtt.mqtt.protocol.handler"
GIVEN_UP = "Timeout waiting for PUBACK"
SHUTDOWN_S = 3.0
"""How long amqtt may take to close its connections: now and then it waits for one of its own tasks for ever."""


class EmbeddedBroker:
    """An MQTT 3.1.1 broker in this event loop; `async with` starts and ends it. Anyone on the machine may connect."""

    def __init__(self, port: int = 0, host: str = "127.0.0.1") -> None:
        """`port` 0: any that is free."""
        self._host = host
        self._port = port
        self._losses = _Losses()

    @property
    def port(self) -> int:
        """The port it listens on."""
        return self._port

    @property
    def given_up(self) -> int:
        """Messages that were not acknowledged in time and are lost."""
        return self._losses.count

    async def __aenter__(self) -> Self:
        """Raises OSError where the port is taken."""
        logging.getLogger(HANDLER_LOGGER).addHandler(self._losses)
        self._broker = Broker(
            BrokerConfig(
                # External: amqtt then does not listen by itself, and we know the port we got.
                listeners={LISTENER: ListenerConfig(type=ListenerType.EXTERNAL)},
                plugins={"amqtt.plugins.authentication.AnonymousAuthPlugin": {"allow_anonymous": True}},
            )
        )
        self._server = await asyncio.start_server(self._accept, self._host, self._port)
        await self._broker.start()
        self._port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.close()
        try:
            async with asyncio.timeout(SHUTDOWN_S):
                await self._broker.shutdown()
        except TimeoutError:
            logging.getLogger(__name__).warning("the broker did not close its connections in time")
        logging.getLogger(HANDLER_LOGGER).removeHandler(self._losses)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await self._broker.external_connected(StreamReaderAdapter(reader), StreamWriterAdapter(writer), LISTENER)
        finally:
            writer.close()


class _Losses(logging.Handler):
    """Counts what amqtt only logs."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.count = 0

    def emit(self, record: logging.LogRecord) -> None:
        self.count += record.getMessage().startswith(GIVEN_UP)


async def serve(port: int) -> None:
    """Run until SIGINT or SIGTERM; print the address first."""
    ending = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, ending.set)
    async with EmbeddedBroker(port) as broker:
        typer.echo(f"listening on 127.0.0.1:{broker.port}")
        await ending.wait()


def main(port: Annotated[int, typer.Option(help="0: any that is free", min=0, max=65_535)] = 0) -> None:
    """MQTT 3.1.1 broker of the demo, on 127.0.0.1."""
    logging.basicConfig(level=logging.WARNING)
    with asyncio.Runner() as runner:
        runner.run(serve(port))
        # Tasks that amqtt left behind may not hear that they are cancelled; the runner would wait for them for ever.
        sys.stdout.flush()
        os._exit(0)


if __name__ == "__main__":
    typer.run(main)
