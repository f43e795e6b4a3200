"""Trying a broker out before anything depends on it: connect once, hear what it allows, leave nothing behind."""

from __future__ import annotations

import asyncio

import aiomqtt
import mqtt5

from gateway.config import Link as Settings
from gateway.errors import LinkError
from gateway.links.allowed import warnings_of
from gateway.links.tls import ssl_context

ANSWER_S = 10.0


async def try_out(settings: Settings) -> list[str]:
    """What the broker does not allow of what a link asks; empty where all is well, or it does not tell (3.1.1).

    Connects under a client id of its own, subscribes to nothing, and ends its session. Raises `LinkError` where the
    broker cannot be reached or refuses.
    """
    try:
        password = settings.login.password
    except (OSError, KeyError) as error:
        raise LinkError(f"the password cannot be read: {error}") from error
    try:
        async with asyncio.timeout(ANSWER_S):
            if settings.protocol == "mqtt5":
                return await _mqtt5(settings, password)
            await _mqtt311(settings, password)
            return []
    except (OSError, ValueError, TimeoutError, aiomqtt.MqttError) as error:
        raise LinkError(str(error) or f"no answer within {ANSWER_S:.0f} s") from error


async def _mqtt5(settings: Settings, password: str | None) -> list[str]:
    context = ssl_context(settings.tls) if settings.secure else None
    reader, writer = await asyncio.open_connection(settings.host, settings.port, ssl=context)
    try:
        client_id = f"{settings.client_id}-check"
        writer.write(
            mqtt5.ConnectPacket(
                client_id,
                username=settings.login.username or None,
                password=None if password is None else password.encode(),
                clean_start=True,
                session_expiry_interval=settings.session_expiry_s,
                receive_max=settings.receive_max,
                max_packet_size=settings.max_packet_bytes,
            ).write()
        )
        answer = await _answer(reader)
        if answer.reason_code != mqtt5.ConnAckReasonCode.SUCCESS:
            raise LinkError(f"the broker refuses the connection: {answer.reason_code.name.replace('_', ' ').lower()}")
        writer.write(mqtt5.DisconnectPacket(session_expiry_interval=0).write())
        await writer.drain()
        return warnings_of(settings.model_copy(update={"client_id": client_id}), answer)
    finally:
        writer.close()


async def _answer(reader: asyncio.StreamReader) -> mqtt5.ConnAckPacket:
    data = b""
    while True:
        more = await reader.read(4096)
        if not more:
            raise LinkError("the broker closed the connection without an answer")
        data += more
        try:
            packet, _ = mqtt5.read(memoryview(data))
        except IndexError:
            continue
        if not isinstance(packet, mqtt5.ConnAckPacket):
            raise LinkError(f"the broker answered CONNECT with {type(packet).__name__}")
        return packet


async def _mqtt311(settings: Settings, password: str | None) -> None:
    context = ssl_context(settings.tls) if settings.secure else None
    async with aiomqtt.Client(
        settings.host,
        settings.port,
        identifier=f"{settings.client_id}-check",
        username=settings.login.username or None,
        password=password,
        protocol=aiomqtt.ProtocolVersion.V311,
        clean_session=True,
        tls_context=context,
    ):
        pass
