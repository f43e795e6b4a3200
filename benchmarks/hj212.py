"""HJ 212 at speed: ten-factor real-time frames of 1,000 devices to columns on one core, CRC checked.

    python benchmarks/hj212.py [--frames 20000] [--rounds 7] [--peer MODULE:FUNCTION] [--end-to-end] [--json FILE]

In one run and by turns: the codec (payloads to `Readings`), the same with every CP encrypted by SM4, the plain way (a
table-driven CRC, split, a dict a frame, float), and a decoder of your own choice. No decoder of HJ 212 was to be found
on PyPI (2026-11; names with hj212, hjt212, t212); install what you have and name a function of it that takes a frame
as text: it is timed beside the others. CPU time of this process, the best of the rounds, since machines are shared.

`--end-to-end` sends frames through a real mosquitto into the gateway as a process (journal synced, two limits on each
factor, DuckDB): CPU of the gateway a frame, in plain text and encrypted.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from random import Random
from zoneinfo import ZoneInfo

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests"), str(ROOT / "benchmarks")]

from gateway_load import Run, config, into_gateway, inventory  # noqa: E402
from gateway_process import GatewayProcess  # noqa: E402
from servers import Mosquitto, free_port  # noqa: E402

from gateway.channels import Channels  # noqa: E402
from gateway.codecs.hj212 import Hj212  # noqa: E402
from gateway.codecs.seam import CodecSettings, Sink  # noqa: E402
from gateway.hj212.crc import crc16  # noqa: E402
from gateway.hj212.keys import DeviceSecrets, KeyRing  # noqa: E402
from gateway.hj212.sm4 import seal_segment  # noqa: E402
from gateway.inventory import Device, Inventory, Name, Site  # noqa: E402
from gateway.records import Block  # noqa: E402
from simulators.fast_publisher import encode_chunks  # noqa: E402

DEVICES = 1_000
CODES = ("a21026", "a21002", "a34013", "a19001", "a01011", "a01012", "a01013", "a01014", "a21005", "a00000")
MN = "010000A8900016F00{n:07d}"
KEY = b"0123456789abcdef"
BLOCK = 1_000
"""Messages in a block: what a busy link hands over at once."""
CROWD = 20
"""Frames of each device that differ; then they come again."""


def frame(device: int, number: int, random: Random, *, sealed: bool = False) -> bytes:
    """A frame of ten factors with flags, no value over its limit; encrypted it is one of 2025, else of 2017."""
    second = 30 * number
    stamp = f"202603{1 + second // 86_400:02d}{second // 3_600 % 24:02d}{second // 60 % 60:02d}{second % 60:02d}"
    items = ";".join(f"{code}-Rtd={random.uniform(10, 90):.3f},{code}-Flag=N" for code in CODES)
    segment = (
        f"QN={stamp}{device % 1000:03d};ST=31;CN=2011;PW=123456;MN={MN.format(n=device)};Flag={8 if sealed else 4};"
        f"CP=&&DataTime={stamp};{items}&&"
    ).encode()
    crc = crc16(segment)
    return b"##%04d%b%04X\r\n" % (len(segment), seal_segment(segment, KEY) if sealed else segment, crc)


def codec() -> Hj212:
    """The codec with an inventory of all devices."""
    name = Name("x", "x")
    site = Site("bench", name, 33.0, 112.5, ZoneInfo("Asia/Shanghai"))
    devices = tuple(Device(f"d{n}", 0, name, MN.format(n=n), "stack", 30_000, 90_000, ()) for n in range(DEVICES))
    stock = Inventory((site,), devices, (), ())
    keys = KeyRing({device.mn: DeviceSecrets("123456", ((0, KEY),)) for device in devices})
    return Hj212(stock, Channels(stock), CodecSettings(keys=keys))


def into_columns(reader: Hj212, frames: list[bytes]) -> None:
    """All frames, block by block, as the pipeline does it."""
    for start in range(0, len(frames), BLOCK):
        part = frames[start : start + BLOCK]
        sink = Sink(Block(start, 1_772_337_600_000, "bench", [""] * len(part), part))
        reader.decode(range(len(part)), [-1] * len(part), sink)
        readings = sink.readings()
        assert len(readings) == len(CODES) * len(part), "a frame was not read"
        assert len(sink.frames) == len(part)


TABLE = [0] * 256
for value in range(256):
    step = value
    for _ in range(8):
        step = (step >> 1) ^ 0xA001 if step & 1 else step >> 1
    TABLE[value] = step


def plain_way(payload: bytes) -> dict[str, object]:
    """What one writes first: CRC by table, split, a dict, float."""
    segment = payload[6 : 6 + int(payload[2:6])]
    crc = 0xFFFF
    for byte in segment:
        crc = TABLE[(crc >> 8) ^ byte]
    if crc != int(payload[6 + len(segment) : 10 + len(segment)], 16):
        raise ValueError("CRC")
    head, _, body = segment.decode().partition("CP=&&")
    message: dict[str, object] = dict(field.split("=") for field in head.rstrip(";").split(";"))
    readings: dict[str, dict[str, object]] = {}
    for group in body.removesuffix("&&").split(";"):
        for item in group.split(","):
            name, text = item.split("=")
            factor, dash, field = name.partition("-")
            if not dash:
                message[name] = text
            else:
                readings.setdefault(factor, {})[field] = text if field == "Flag" else float(text)
    message["readings"] = readings
    return message


def best(work: Callable[[], object]) -> float:
    """CPU seconds of one call."""
    began = time.process_time()
    work()
    return time.process_time() - began


def codecs(count: int, rounds: int, peer: str) -> dict[str, float]:
    """Frames a second of every way, each the best of its rounds."""
    random = Random(7)
    each = range(count)
    plain = [frame(n % DEVICES, n // DEVICES % CROWD, random) for n in each]
    sealed = [frame(n % DEVICES, n // DEVICES % CROWD, random, sealed=True) for n in each]
    few, few_as_text = plain[: count // 4], [one.decode() for one in plain[: count // 4]]
    reader, sealed_reader = codec(), codec()
    ways: dict[str, tuple[int, Callable[[], object]]] = {
        "frames_per_s": (count, lambda: into_columns(reader, plain)),
        "sm4_frames_per_s": (count, lambda: into_columns(sealed_reader, sealed)),
        "plain_frames_per_s": (len(few), lambda: [plain_way(one) for one in few]),
    }
    if peer:
        module, _, function = peer.partition(":")
        decode: Callable[[str], object] = getattr(import_module(module), function)
        ways["peer_frames_per_s"] = (len(few), lambda: [decode(one) for one in few_as_text])
    seconds = {name: min(best(work) for _ in range(2)) for name, (_, work) in ways.items()}  # warm
    for _ in range(rounds):
        for name, (_, work) in ways.items():
            seconds[name] = min(seconds[name], best(work))
    figures = {name: float(round(ways[name][0] / least)) for name, least in seconds.items()}
    figures["ratio"] = round(figures["frames_per_s"] / figures["plain_frames_per_s"], 2)
    if peer:
        figures["peer_ratio"] = round(figures["frames_per_s"] / figures["peer_frames_per_s"], 2)
    figures["frame_bytes"] = float(len(plain[0]))
    return figures


async def end_to_end(count: int, rounds: int) -> dict[str, float]:
    """us of gateway CPU a frame from broker to DuckDB, plain and encrypted: the best of the rounds."""
    folder = Path(tempfile.mkdtemp(prefix="bench-hj212-"))
    runs: dict[bool, list[Run]] = {False: [], True: []}
    try:
        with Mosquitto(folder / "broker", autosave_changes=None) as broker:
            for sealed in (False, True):
                place = folder / ("sealed" if sealed else "plain")
                text = config(broker, free_port(), 1, "hj212", '[hj212]\nkeys_file = "keys.toml"' if sealed else "")
                gateway = GatewayProcess(place, text, inventory(DEVICES, CODES, MN))
                keys = "".join(
                    f'[devices.{MN.format(n=n)}]\nkeys = [{{ text = "{KEY.decode()}" }}]\n' for n in range(DEVICES)
                )
                (place / "keys.toml").write_text(keys, "utf-8")
                (place / "keys.toml").chmod(0o600)
                gateway.start()
                try:
                    await asyncio.to_thread(gateway.wait_for, "link_up")
                    await asyncio.sleep(0.5)
                    for number in range(rounds):
                        random = Random(number)
                        messages = (
                            (
                                f"pollution/bench/d{n % DEVICES}/data",
                                frame(
                                    n % DEVICES, number * (count // DEVICES + 1) + n // DEVICES, random, sealed=sealed
                                ),
                            )
                            for n in range(count)
                        )
                        chunks = list(encode_chunks(messages, 1))
                        runs[sealed].append(await into_gateway(broker, gateway, chunks, count, 1))
                        run = runs[sealed][-1]
                        print(f"{place.name}: {run.rate:.0f}/s, {run.cpu_us:.1f} us, lost {run.lost}", flush=True)
                    await asyncio.to_thread(gateway.stop)
                finally:
                    gateway.close()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return {
        "end_to_end_us": round(min(run.cpu_us for run in runs[False]), 2),
        "end_to_end_sm4_us": round(min(run.cpu_us for run in runs[True]), 2),
        "end_to_end_rate": float(round(max(run.rate for run in runs[False]))),
        "lost": float(sum(run.lost for every in runs.values() for run in every)),
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frames", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--peer", default="", metavar="MODULE:FUNCTION", help="another decoder, called with each frame")
    parser.add_argument("--end-to-end", action="store_true", help="also through mosquitto into the whole gateway")
    parser.add_argument("--messages", type=int, default=100_000, help="of each round end to end")
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    options = parser.parse_args()
    figures = codecs(options.frames, options.rounds, options.peer)
    if not options.peer:
        print(
            "no other decoder given: none was found on PyPI; --peer MODULE:FUNCTION times one that you have installed"
        )
    if options.end_to_end:
        figures |= asyncio.run(end_to_end(options.messages, min(options.rounds, 3)))
    for name, figure in figures.items():
        print(f"{name:20} {figure:g}" if figure < 1000 else f"{name:20} {figure:,.0f}")
    if options.json:
        options.json.write_text(json.dumps(figures, indent=1) + "\n", "utf-8")
