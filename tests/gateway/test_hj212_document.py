"""docs/hj212.md: what it shows of connecting a logger works as it is written."""

from __future__ import annotations

import re
from pathlib import Path

from hj212_gateway import points, running
from link_harness import publish, seen
from servers import Mosquitto
from tcp_logger import logger

PAGE = (Path(__file__).parents[2] / "docs" / "hj212.md").read_text("utf-8")
READING = ("stack-1", 1_777_593_600_000, 12.5)


def section(title: str) -> str:
    """The text under a heading, without the indent of its steps."""
    return re.sub(r"^   ", "", PAGE.partition(f"\n## {title}\n")[2].partition("\n## ")[0], flags=re.MULTILINE)


def blocks(title: str) -> list[str]:
    """The TOML of a section."""
    return re.findall(r"```toml\n(.*?)```", section(title), re.DOTALL)


def dialogue(title: str) -> tuple[bytes, bytes]:
    """The frame that the section sends, and the answer that it shows."""
    (sent,) = re.findall(r"printf '(##.*?)\\r\\n'", section(title))
    (heard,) = re.findall(r"^(##.*)$", section(title), re.MULTILINE)
    return f"{sent}\r\n".encode(), f"{heard}\r\n".encode()


def write(folder: Path, config: str, keys: str) -> Path:
    (folder / "keys.toml").write_text(keys, "utf-8")
    (folder / "keys.toml").chmod(0o600)
    file = folder / "gateway.toml"
    file.write_text(f'data = "data"\n{config}\n[api]\nenabled = false\n', "utf-8")
    return file


def stored(folder: Path) -> list[tuple[str, int, float]]:
    return [(name, 1_767_225_600_000 + 1000 * second, value) for name, second, value in points(folder)]


async def test_the_logger_over_tcp_is_answered_as_shown(tmp_path: Path) -> None:
    title = "Connecting a logger over TCP"
    config, keys = blocks(title)
    sent, heard = dialogue(title)
    file = write(tmp_path, config.replace("port = 5212", "port = 0"), keys)
    async with running(file) as service, logger(service.listeners[0].port) as one:
        await one.send(sent)
        assert await one.reader.readline() == heard
    assert stored(tmp_path) == [READING]


async def test_the_logger_over_mqtt_is_answered_as_shown(tmp_path: Path, mosquitto: Mosquitto) -> None:
    title = "Connecting a logger over MQTT"
    config, keys = blocks("Connecting a logger over TCP")
    (link,) = blocks(title)
    sent, heard = dialogue(title)
    assert heard == dialogue("Connecting a logger over TCP")[1]
    config = re.sub(r"\[\[listeners\]\].*?\n\n", "", config, flags=re.DOTALL)
    file = write(tmp_path, config + link.replace("mqtt://127.0.0.1:1883", mosquitto.url), keys)
    async with running(file) as service:
        await publish(mosquitto.port, [("pollution/plant/stack-1/data", sent)])
        await seen(lambda: service.replies.sent == 1)
    assert stored(tmp_path) == [READING]
