"""Loggers over TLS: without a certificate that we trust, or with an old protocol, they are turned away."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import hj212_gateway
import pytest
from servers import Certificates, free_port, make_certificates
from tcp_logger import TcpLogger, answered, upload

from gateway.config_file import load
from gateway.errors import LinkError
from gateway.links.hj212_tcp import Hj212TcpLink
from gateway.service import Service
from gateway.service_views import api_server

MN = hj212_gateway.MN["2017"]


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return make_certificates(tmp_path_factory.mktemp("tls"))


@pytest.fixture(scope="module")
def strangers(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    """Of an authority of their own."""
    return make_certificates(tmp_path_factory.mktemp("others"))


def listener(port: int, certificates: Certificates, *, mutual: bool) -> str:
    client_ca = f', client_ca_file = "{certificates.ca_file}"' if mutual else ""
    return f"""
[[listeners]]
name = "tls"
port = {port}
password_required = false
tls = {{ cert_file = "{certificates.server_cert_file}", key_file = "{certificates.server_key_file}"{client_ca} }}
"""


@asynccontextmanager
async def serving(folder: Path, certificates: Certificates, *, mutual: bool) -> AsyncGenerator[tuple[Service, int]]:
    port = free_port()
    config, inventory = load(hj212_gateway.write(folder, listener(port, certificates, mutual=mutual)))
    service = Service(config, inventory, api_server)
    stop, started = asyncio.Event(), asyncio.Event()
    running = asyncio.create_task(service.run(stop, started))
    await asyncio.wait([running, asyncio.create_task(started.wait())], return_when=asyncio.FIRST_COMPLETED)
    async with asyncio.timeout(20):
        while not service.listeners[0].status.connected:
            await asyncio.sleep(0.02)
    try:
        yield service, port
    finally:
        stop.set()
        await running


def context(trust: Certificates, own: Certificates | None = None) -> ssl.SSLContext:
    made = ssl.create_default_context(cafile=str(trust.ca_file))
    if own is not None:
        made.load_cert_chain(own.client_cert_file, own.client_key_file)
    return made


async def spoken(port: int, made: ssl.SSLContext) -> list[tuple[str, str]]:
    """What a logger hears when it sends one frame. Raises OSError where it is turned away."""
    reader, writer = await asyncio.open_connection("localhost", port, ssl=made)
    try:
        one = TcpLogger(reader, writer)
        await one.send(upload(MN, "20260101080000000"))
        return answered(await one.replies(1))
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()


@pytest.mark.parametrize("mutual", [False, True])
async def test_a_logger_that_is_trusted_is_answered(tmp_path: Path, certificates: Certificates, mutual: bool) -> None:
    async with serving(tmp_path, certificates, mutual=mutual) as (service, port):
        own = certificates if mutual else None
        assert await spoken(port, context(certificates, own)) == [("9014", "20260101080000000")]
        assert service.listeners[0].counts.accepted == 1


async def test_without_a_certificate_of_ours_nobody_is_heard(
    tmp_path: Path, certificates: Certificates, strangers: Certificates
) -> None:
    async with serving(tmp_path, certificates, mutual=True) as (service, port):
        for own in (None, strangers):
            with pytest.raises(OSError):
                await spoken(port, context(certificates, own))
        with pytest.raises(OSError):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)  # and no TLS at all
            writer.write(upload(MN, "20260101080000000"))
            if not await reader.read():
                raise ConnectionResetError
        assert service.pipeline.counts.messages == 0
        assert await spoken(port, context(certificates, certificates)) == [("9014", "20260101080000000")]


async def test_a_logger_that_does_not_trust_us_does_not_speak(
    tmp_path: Path, certificates: Certificates, strangers: Certificates
) -> None:
    async with serving(tmp_path, certificates, mutual=False) as (service, port):
        with pytest.raises(ssl.SSLCertVerificationError):
            await spoken(port, context(strangers))
        assert service.pipeline.counts.messages == 0


async def test_older_than_tls_1_2_is_refused(tmp_path: Path, certificates: Certificates) -> None:
    old = context(certificates)
    old.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.warns(DeprecationWarning):
        old.minimum_version = ssl.TLSVersion.TLSv1
        old.maximum_version = ssl.TLSVersion.TLSv1_1
    async with serving(tmp_path, certificates, mutual=False) as (_, port):
        with pytest.raises(OSError):
            await spoken(port, old)


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("cert_file", "missing.pem", r"tls\.cert_file .*missing\.pem cannot be read"),
        ("key_file", "client.key", "do not belong together"),
        ("client_ca_file", "server.key", r"tls\.client_ca_file .* holds no PEM certificate"),
    ],
)
async def test_a_file_that_is_wrong_is_named(
    tmp_path: Path, certificates: Certificates, key: str, value: str, said: str
) -> None:
    folder = certificates.ca_file.parent
    tls: dict[str, Any] = {"cert_file": certificates.server_cert_file, "key_file": certificates.server_key_file}
    tls[key] = folder / value
    config, inventory = load(hj212_gateway.write(tmp_path, listener(free_port(), certificates, mutual=False)))
    settings = config.listeners[0].model_copy(
        update={"tls": type(config.listeners[0].tls).model_validate(tls)}  # pyright: ignore[reportOptionalMemberAccess]
    )
    service = Service(config, inventory, api_server)
    link = Hj212TcpLink(settings, inventory, service.keys, reply=True)
    with pytest.raises(LinkError, match=said):
        await link.run(lambda _: asyncio.sleep(0))
    service.journal.close()
    service.ledger.close()
    service.store.close()
