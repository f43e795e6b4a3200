"""Ingest at the broker's speed: publisher, real mosquitto and gateway on one machine, beside yardsticks.

    python benchmarks/ingest.py [--qos 0|1 ...] [--seconds 6] [--rounds 3] [--peers aiomqtt,node-red,thingsboard|none]
                                [--channels 100000] [--profile FILE] [--json FILE]

Each round runs the same stream, by turns, into `mosquitto_sub` writing to nowhere (the null reader: the most that this
machine's broker delivers to one client), into the gateway with limits, journal and DuckDB on, and into the peers of
`peers.py` that `benchmarks/peers/setup.sh` has installed; these get a shorter one, of some seconds too. Of the rounds
the median is printed, with the least and the most; ratios are taken within a round.

What is counted for the gateway is what it has journalled, acknowledged, decoded and checked, and a line below until all
is stored; its CPU time covers storing in both. For peers it is what has reached their database, whose own CPU stands
apart. Lost is what was published and is not in the database in the end.

Then, at half the gateway's rate, the time from publishing a reading over its limit to the alert's arrival at an MQTT
subscriber; with `--channels` the memory and that time with so many channels (0: not); with `--profile` where the time
goes, by samples of py-spy, whose stacks are written to the file.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import shutil
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests"), str(ROOT / "benchmarks")]

import figures  # noqa: E402
from alert_delay import PROBES, alert_delay  # noqa: E402
from figures import Round, Summary  # noqa: E402
from gateway_load import config, into_gateway, inventory, started, stored_values  # noqa: E402
from gateway_process import GatewayProcess  # noqa: E402
from json_stream import FACTORS, START, after, stream  # noqa: E402
from many_channels import memory  # noqa: E402
from null_reader import clear_session, into_null  # noqa: E402
from peer_runs import into_peer  # noqa: E402
from peers import PEERS, Peer  # noqa: E402
from profile_rooms import Sampling  # noqa: E402
from servers import Mosquitto, VictoriaMetrics, free_port  # noqa: E402
from sinks import Database, Platform  # noqa: E402

GUESS = {0: 80_000, 1: 30_000}
"""Messages of a stream for each second of `--seconds`, by QoS."""
DELAY_S = 6.0


class Bench:
    """One broker and one gateway, at one QoS."""

    def __init__(self, broker: Mosquitto, folder: Path, qos: int, arguments: argparse.Namespace) -> None:
        self.broker, self.folder, self.qos = broker, folder, qos
        self.devices: int = arguments.devices
        self.count = int(GUESS[qos] * arguments.seconds)
        self.rounds: int = arguments.rounds
        text = config(broker, free_port(), qos)
        self.gateway = GatewayProcess(folder / "gateway", text, inventory(self.devices + PROBES, FACTORS))
        self.start = START

    async def readers(self, peers: Sequence[Peer]) -> dict[str, Summary]:
        """All rounds of all readers."""
        with VictoriaMetrics(self.folder / "database") as server:
            async with Database(server) as database, Platform(self.folder / "platform") as platform:
                return await self._rounds(peers, database, platform)

    async def _rounds(self, peers: Sequence[Peer], database: Database, platform: Platform) -> dict[str, Summary]:
        runs: dict[str, list[Round]] = {}
        for number in range(1, self.rounds + 1):
            chunks = await self._stream(self.count)
            null = await into_null(self.broker, chunks, self.count, self.qos)
            runs.setdefault("null reader", []).append(null)
            await self._into_gateway(chunks, runs)
            for peer in peers:
                sink, place = database if peer.stores else platform, self.folder / f"{peer.name}-{number}"
                run = await into_peer(peer, place, self.broker, sink, self.qos, self.start)
                self.start = after(self.start, peer.messages + peer.devices, peer.devices)
                runs.setdefault(peer.name, []).append(run)
            words = (f"{name} {rounds[-1].rate:,.0f}" for name, rounds in runs.items())
            print(f"QoS {self.qos}, round {number}, messages/s: {', '.join(words)}", flush=True)
        return {name: Summary.of(rounds, runs["null reader"]) for name, rounds in runs.items()}

    async def delays(self, rate: float) -> dict[str, float]:
        """Publish to alert at so many messages a second."""
        await started(self.gateway)
        delays = await alert_delay(self.broker, rate, self.devices, self.qos, DELAY_S, self.start)
        self.start = after(self.start, int(rate * DELAY_S), self.devices)
        await self._stop()
        return {"half_load_rate": round(rate), **delays.figures()}

    async def profile(self, file: Path) -> dict[str, float]:
        """Room to its share of the gateway's CPU time."""
        await started(self.gateway)
        sampling = Sampling(ROOT / ".venv/bin/py-spy", file)
        chunks = await self._stream(3 * self.count)
        await sampling.start(self.gateway.pid)
        await into_gateway(self.broker, self.gateway, chunks, 3 * self.count, self.qos)
        shares = await sampling.finish()
        await self._stop()
        return shares

    async def _into_gateway(self, chunks: Any, runs: dict[str, list[Round]]) -> None:
        before = stored_values(self.gateway)
        await started(self.gateway)  # not while others run: the broker would deliver to both
        run = await into_gateway(self.broker, self.gateway, chunks, self.count, self.qos)
        await self._stop()
        lost = self.count - (stored_values(self.gateway) - before) // len(FACTORS)
        for name, rate in (("gateway", run.rate), ("gateway, until stored", run.stored_rate)):
            runs.setdefault(name, []).append(Round(rate, run.cpu_us, 0.0, run.peak_mb, lost))

    async def _stream(self, count: int) -> Any:
        """The next `count` messages, encoded; no reading comes twice."""
        chunks = await asyncio.to_thread(stream, count, self.devices, self.qos, self.start)
        self.start = after(self.start, count, self.devices)
        return chunks

    async def _stop(self) -> None:
        await asyncio.to_thread(self.gateway.stop)
        await asyncio.to_thread(clear_session, self.broker)


async def main(arguments: argparse.Namespace) -> dict[str, Any]:
    """All figures; prints tables on the way."""
    result: dict[str, Any] = {}
    folder = Path(tempfile.mkdtemp(prefix="bench-ingest-"))
    try:
        with Mosquitto(folder / "broker", autosave_changes=arguments.autosave) as broker:
            for qos in arguments.qos:
                bench = Bench(broker, folder / f"qos{qos}", qos, arguments)
                try:
                    readers = await bench.readers(arguments.peers)
                    found = await bench.delays(readers["gateway"].rate / 2)
                    print("", *figures.table(readers), "", *lines(found), "", sep="\n")
                    result[f"qos{qos}"] = {**{name: asdict(one) for name, one in readers.items()}, **found}
                    if arguments.profile and qos == arguments.qos[0]:
                        result["profile"] = await bench.profile(arguments.profile)
                        print(f"CPU time of the gateway at QoS {qos}, by room:")
                        print(*(f"  {share:6.1%}  {room}" for room, share in result["profile"].items()), "", sep="\n")
                finally:
                    bench.gateway.close()
            if arguments.channels:
                rate = readers["gateway"].rate / 2
                result["channels"] = await memory(broker, folder / "channels", arguments.channels, qos, rate)
                print("Many channels:", *lines(result["channels"]), sep="\n")
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return result


def lines(found: dict[str, float]) -> list[str]:
    return [f"  {name:18} {figure:,}" for name, figure in found.items()]


def peers_of(text: str) -> list[Peer]:
    """Names by commas, or `none`."""
    names = [] if text == "none" else text.split(",")
    for name in names:
        if name not in PEERS:
            raise argparse.ArgumentTypeError(f"{name} is none of {', '.join(PEERS)}")
        if not PEERS[name].installed:
            raise argparse.ArgumentTypeError(f"{name} is not installed: benchmarks/peers/setup.sh {name}")
    return [PEERS[name] for name in names]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--qos", type=int, choices=(0, 1), nargs="+", default=[1, 0])
    parser.add_argument("--seconds", type=float, default=6.0, help="length of a stream at the expected rate")
    parser.add_argument("--devices", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--peers", type=peers_of, help="names by commas, or none (default: those installed)")
    parser.add_argument("--channels", type=int, default=100_000, help="memory with so many channels; 0: not")
    parser.add_argument("--profile", type=Path, metavar="FILE", help="sample the gateway; stacks go to this file")
    parser.add_argument("--autosave", type=int, default=None, help="broker: save after so many changes (default: not)")
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    options = parser.parse_args()
    if options.peers is None:
        options.peers = [peer for peer in PEERS.values() if peer.installed]
        missing = [name for name, peer in PEERS.items() if not peer.installed]
        if missing:
            print(f"not installed, left out: {', '.join(missing)} (benchmarks/peers/setup.sh)")
    all_figures = asyncio.run(main(options))
    if options.json:
        options.json.write_text(json.dumps(all_figures, indent=1) + "\n", "utf-8")
