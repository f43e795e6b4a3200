"""HJ 212 over MQTT through the whole service on a real mosquitto: frames are answered on reply topics."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator
from pathlib import Path

import aiomqtt
import link_harness
import pytest
from hj212_gateway import MN, frame, points, running, write
from servers import Mosquitto
from tcp_logger import upload

from gateway.hj212.build import request

PROTOCOLS = ["mqtt5", "mqtt311"]


def link(broker: Mosquitto, protocol: str, more: str = "") -> str:
    return f"""
[[links]]
name = "city"
url = "{broker.url}"
protocol = "{protocol}"
client_id = "gw"
subscribe = [{{ topic = "pollution/{{site}}/{{device}}/data" }}]
{more}
"""


class Replies:
    """What comes on reply topics."""

    def __init__(self, client: aiomqtt.Client) -> None:
        self._client = client

    async def next(self, count: int) -> dict[str, str]:
        """Topic to data segment of the next replies."""
        found: dict[str, str] = {}
        async with asyncio.timeout(20):
            while len(found) < count:
                message = await anext(self._client.messages)
                assert isinstance(message.payload, bytes)
                assert message.payload.endswith(b"\r\n")
                found[str(message.topic)] = message.payload[6:-6].decode()
        return found


@contextlib.asynccontextmanager
async def replies(broker: Mosquitto, topics: str = "pollution/+/+/reply") -> AsyncGenerator[Replies]:
    async with aiomqtt.Client(broker.host, broker.port) as client:
        await client.subscribe(topics)
        yield Replies(client)


@pytest.mark.parametrize("protocol", PROTOCOLS)
async def test_frames_of_every_edition_are_answered_on_the_reply_topic_of_their_device(
    protocol: str, mosquitto: Mosquitto, tmp_path: Path
) -> None:
    sent = [
        (f"pollution/plant/d{edition}/data", frame(edition, second, float(second)))
        for second, edition in enumerate(MN, 1)
    ]
    forms = {
        "2005": f"ST=91;CN=9014;PW=123456;MN={MN['2005']};Flag=0;CP=&&QN=20260101080001000&&",
        "2017": f"QN=20260101080002000;ST=91;CN=9014;PW=123456;MN={MN['2017']};Flag=4;CP=&&&&",
        "2025": f"QN=20260101080003000;ST=91;CN=9014;PW=123456;MN={MN['2025']};Flag=8;CP=&&&&",
    }
    async with running(write(tmp_path, link(mosquitto, protocol))) as service, replies(mosquitto) as heard:
        await link_harness.publish(mosquitto.port, sent)
        found = await heard.next(3)
        assert found == {f"pollution/plant/d{edition}/reply": form for edition, form in forms.items()}
        assert (service.replies.sent, service.replies.unsent) == (3, 0)
    assert points(tmp_path) == [("d2005", 1, 1.0), ("d2017", 2, 2.0), ("d2025", 3, 3.0)]


@pytest.mark.parametrize("protocol", PROTOCOLS)
async def test_notices_refusals_and_a_command_go_the_same_way(
    protocol: str, mosquitto: Mosquitto, tmp_path: Path
) -> None:
    beat = upload(MN["2025"], "20260101080009000", "", cn="9015", flag=9)
    forged = frame("2017", 1, 1.0, pw="000000")
    async with running(write(tmp_path, link(mosquitto, protocol))) as service, replies(mosquitto) as heard:
        await link_harness.publish(
            mosquitto.port, [("pollution/plant/d2025/data", beat), ("pollution/plant/d2017/data", forged)]
        )
        found = await heard.next(2)
        assert ";CN=9013;" in found["pollution/plant/d2025/reply"]
        assert found["pollution/plant/d2017/reply"].endswith("CP=&&QnRtn=3&&")
        number = service.inventory.mn_numbers[MN["2025"]]
        command = request("1011", "", st="31", pw="123456", mn=MN["2025"], qn="20260101080010000", edition="2025")
        assert service.downlink.send(number, command)
        assert await heard.next(1) == {"pollution/plant/d2025/reply": command[6:-6].decode()}
    assert points(tmp_path) == []


@pytest.mark.parametrize("setting", ['reply_topic = ""', "[hj212]\nreply = false"], ids=["no topic", "replies off"])
async def test_without_reply_topic_or_with_replies_off_nothing_is_sent(
    setting: str, mosquitto: Mosquitto, tmp_path: Path
) -> None:
    config = write(tmp_path, link(mosquitto, "mqtt5", setting if "topic" in setting else ""))
    if "topic" not in setting:
        config.write_text(config.read_text("utf-8").replace("[hj212]", setting), "utf-8")
    async with running(config) as service:
        await link_harness.publish(mosquitto.port, [("pollution/plant/d2017/data", frame("2017", 1, 1.0))])
        await link_harness.seen(lambda: service.pipeline.counts.readings == 1)
        assert (service.replies.sent, service.links[0].status.sent) == (0, 0)
    assert points(tmp_path) == [("d2017", 1, 1.0)]
