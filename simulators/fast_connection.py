"""One TCP connection of the fast publisher: MQTT 5, nothing but a socket and what the broker said on it."""

from __future__ import annotations

import asyncio
import socket
from typing import Final

import mqtt5

from simulators.broker import Broker
from simulators.errors import BrokerError
from simulators.wire import Flight, read_acks

READ_BYTES: Final = 1 << 18
SESSION_S: Final = 300
CONNECT_S: Final = 5.0
ANSWER_S: Final = 30.0
"""How long the broker may say nothing to a CONNECT, a ping or an unacknowledged message before it counts as gone."""


class Connection:
    """From `open` to `close`; acknowledgements go to `flight` as they are read. All raise OSError when it breaks."""

    def __init__(self, broker: Broker, client_id: str, flight: Flight) -> None:
        self._pings = 0
        self._broker = broker
        self._client_id = client_id
        self._flight = flight
        self._inbox = bytearray()
        self._socket: socket.socket

    async def open(self, *, clean_start: bool) -> mqtt5.ConnAckPacket:
        """Connect and open the session. Raises `BrokerError` where the broker refuses it."""
        where = (self._broker.host, self._broker.port)
        self._socket = await asyncio.to_thread(socket.create_connection, where, CONNECT_S)
        self._socket.setblocking(False)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        hello = mqtt5.ConnectPacket(
            self._client_id,
            username=self._broker.username,
            password=None if self._broker.password is None else self._broker.password.encode(),
            clean_start=clean_start,
            session_expiry_interval=SESSION_S,
            keep_alive=0,
        )
        async with asyncio.timeout(ANSWER_S):
            return await self._greeted(hello)

    def close(self) -> None:
        if hasattr(self, "_socket"):
            self._socket.close()

    async def write(self, data: bytes | memoryview) -> None:
        """Write it all, taking in acknowledgements meanwhile, so that neither side waits for the other."""
        view = memoryview(data)
        while view:
            try:
                view = view[self._socket.send(view) :]
            except BlockingIOError:
                await self.ready(write=True)
                self.read()

    def read(self) -> None:
        """Take in what has arrived; returns at once when nothing has."""
        try:
            data = self._socket.recv(READ_BYTES)
        except BlockingIOError:
            return
        if not data:
            raise ConnectionResetError("closed by the broker")
        self._inbox += data
        acks = read_acks(self._inbox)
        del self._inbox[: acks.size]
        self._pings += acks.pings
        self._flight.acknowledge(acks.ids, acks.refused)
        if acks.disconnected:
            raise ConnectionResetError("the broker sent DISCONNECT")

    def take_pings(self) -> int:
        """Answers to pings since it was asked the last time."""
        pings, self._pings = self._pings, 0
        return pings

    async def ready(self, *, write: bool = False) -> None:
        """Wait until there is something to read, or, if asked, until something can be written."""
        loop = asyncio.get_running_loop()
        ready: asyncio.Future[None] = loop.create_future()

        def wake() -> None:
            if not ready.done():
                ready.set_result(None)

        loop.add_reader(self._socket, wake)
        if write:
            loop.add_writer(self._socket, wake)
        try:
            async with asyncio.timeout(ANSWER_S):
                await ready
        finally:
            loop.remove_reader(self._socket)
            if write:
                loop.remove_writer(self._socket)

    async def _greeted(self, hello: mqtt5.ConnectPacket) -> mqtt5.ConnAckPacket:
        loop = asyncio.get_running_loop()
        await loop.sock_sendall(self._socket, hello.write())
        while True:
            data = await loop.sock_recv(self._socket, READ_BYTES)
            if not data:
                raise ConnectionResetError("closed by the broker instead of a CONNACK")
            self._inbox += data
            try:
                answer, size = mqtt5.read(memoryview(bytes(self._inbox)))
            except IndexError:  # not whole yet
                continue
            except ValueError as error:
                raise BrokerError(f"{self._broker} does not speak MQTT 5: {error}") from error
            break
        del self._inbox[:size]
        if not isinstance(answer, mqtt5.ConnAckPacket):
            raise BrokerError(f"{self._broker} does not speak MQTT 5: something else than a CONNACK")
        if answer.reason_code != mqtt5.ConnAckReasonCode.SUCCESS:
            raise BrokerError(f"{self._broker} refused the connection: {answer.reason_code.name}")
        return answer
