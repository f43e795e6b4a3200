"""The commands `simulators load` and `simulators verify`: make load, and say what became of it."""

from __future__ import annotations

import asyncio
import json
import resource
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Literal

import typer
from prometheus_client import CollectorRegistry, start_http_server
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from simulators import fast_publisher, load
from simulators.arguments import LOCAL, BrokerOption
from simulators.broker import Broker
from simulators.errors import SimulatorError
from simulators.load import Codec, Schedule, stamped_chunks
from simulators.progress import Progress
from simulators.verify.listen import listen
from simulators.verify.stored import from_duckdb, from_file, from_influxdb
from simulators.verify.tally import Arrivals, Tally
from simulators.wire import Encoded

Json = Annotated[Path | None, typer.Option("--json", help="Write the figures to this file.")]
MetricsPort = Annotated[int | None, typer.Option(help="Serve the figures to Prometheus on this port of 127.0.0.1.")]
PERCENTILES = (50.0, 90.0, 99.0, 99.9)


def make_load(
    broker: BrokerOption = LOCAL,
    devices: Annotated[int, typer.Option(help="Devices that take turns.", min=1, max=100_000)] = 1000,
    messages: Annotated[int | None, typer.Option(help="Messages in all.", min=1)] = None,
    seconds: Annotated[float | None, typer.Option(help="End after so long.")] = None,
    rate: Annotated[
        float | None, typer.Option(help="Messages a second; without it, as fast as they are taken.", min=0.1)
    ] = None,
    qos: Annotated[int, typer.Option(help="0 or 1.", min=0, max=1)] = 1,
    codec: Annotated[Codec, typer.Option(help="What the messages are written in.")] = "json",
    window: Annotated[int, typer.Option(help="Most unacknowledged messages at QoS 1.", min=1, max=65_535)] = 5_000,
    seed: Annotated[int, typer.Option(help="Where the values come from.", min=0)] = 1,
    json_file: Json = None,
    inventory: Annotated[Path | None, typer.Option(help="Write the inventory of the devices to this file.")] = None,
    metrics_port: MetricsPort = None,
) -> None:
    """Publish messages that tell their sequence and send time over MQTT 5; tell rate and CPU time a message."""
    if messages is None and seconds is None:
        raise SimulatorError("give --messages or --seconds, or both: what comes first ends it")
    address = Broker.of(broker)
    if address.secure:
        raise SimulatorError("load speaks plain mqtt:// only")
    if inventory is not None:
        inventory.write_text(load.inventory(devices), "utf-8")
    level: Literal[0, 1] = 1 if qos else 0
    total = messages if messages is not None else round(rate * seconds) if rate and seconds else None
    before = resource.getrusage(resource.RUSAGE_SELF)
    with Progress("sent", total) as progress:
        _serve(metrics_port, lambda: {"simulators_load_made": progress.count})
        chunks = stamped_chunks(devices, codec, level, Schedule(rate, messages), seed)
        publishing = fast_publisher.publish_encoded(
            address.host, address.port, _counted(chunks, progress), level, rate, window, seconds=seconds
        )
        done = asyncio.run(publishing)
    after = resource.getrusage(resource.RUSAGE_SELF)
    cpu_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    figures = asdict(done) | {
        "rate": round(done.sent / done.seconds, 1) if done.seconds else 0.0,
        "cpu_us_per_message": round(1e6 * cpu_s / max(1, done.sent), 3),
        "qos": qos,
        "devices": devices,
        "codec": codec,
    }
    _tell(figures, json_file)


def verify(
    load_file: Annotated[Path | None, typer.Option("--load", help="What `simulators load --json` wrote.")] = None,
    sent: Annotated[int | None, typer.Option(help="Messages that were sent, where --load is not given.", min=0)] = None,
    devices: Annotated[int | None, typer.Option(help="Devices that took turns, likewise.", min=1)] = None,
    duckdb: Annotated[Path | None, typer.Option(help="The gateway's DuckDB file; the gateway must not run.")] = None,
    readings: Annotated[
        Path | None, typer.Option(help="CSV or JSON lines with device, factor, time, value, received.")
    ] = None,
    influx: Annotated[str | None, typer.Option(help="Address of an InfluxDB 1.x.")] = None,
    database: Annotated[str, typer.Option(help="Its database.")] = "pollution",
    broker: Annotated[str | None, typer.Option(help="Listen at a broker instead, beside the gateway.")] = None,
    topic: Annotated[str, typer.Option(help="Topics to listen to.")] = f"pollution/{load.SITE}/+/data",
    qos: Annotated[int, typer.Option(help="0 or 1.", min=0, max=1)] = 1,
    seconds: Annotated[float, typer.Option(help="Listen for so long after the last message.", min=0.1)] = 5.0,
    json_file: Json = None,
    metrics_port: MetricsPort = None,
) -> None:
    """Say what became of the messages of `simulators load`: lost, duplicated, out of order, late.

    Status 1 where any was lost or came twice.
    """
    if load_file is not None:
        said = json.loads(load_file.read_text("utf-8"))
        sent, devices = sent if sent is not None else int(said["sent"]), devices or int(said["devices"])
    if devices is None:
        raise SimulatorError("give --load, or --devices and --sent")
    sources = [source for source in (duckdb, readings, influx, broker) if source is not None]
    if len(sources) != 1:
        raise SimulatorError("give one of --duckdb, --readings, --influx and --broker")
    tally = Tally(devices)
    _serve(metrics_port, lambda: _figures(tally, sent))
    if broker is not None:
        _listen(Broker.of(broker), topic, qos, tally, sent, seconds)
    else:
        if duckdb is not None:
            parts = from_duckdb(duckdb)
        elif readings is not None:
            parts = from_file(readings)
        else:
            parts = from_influxdb(influx or "", database)
        for part in parts:
            tally.add(part)
    figures = _figures(tally, sent)
    _tell(figures, json_file)
    if figures.get("lost") or figures["duplicated"]:
        raise typer.Exit(1)


def _listen(broker: Broker, topic: str, qos: int, tally: Tally, sent: int | None, seconds: float) -> None:
    moved = time.monotonic()
    with Progress("received", sent) as progress:

        def take(arrivals: Arrivals) -> None:
            nonlocal moved
            moved = time.monotonic()
            tally.add(arrivals)
            progress.add(len(arrivals))

        def done() -> bool:
            return (sent is not None and tally.received >= sent) or (
                tally.received > 0 and time.monotonic() - moved > seconds
            )

        asyncio.run(listen(broker, topic, qos, take, done))


def _figures(tally: Tally, sent: int | None) -> dict[str, float]:
    """The reckoning so far; `lost` only where it is known what was sent."""
    figures: dict[str, float] = {"received": tally.received}
    if sent is not None:
        figures["lost"] = tally.lost(sent)
    figures |= {
        "duplicated": tally.duplicated,
        "out_of_order": tally.out_of_order,
        "strangers": tally.strangers,
        "before_sent": tally.latency.below,
    }
    if tally.received:
        figures |= {f"p{percent:g}_ms".replace(".", "_"): tally.latency.percentile(percent) for percent in PERCENTILES}
        figures["max_ms"] = tally.latency.percentile(100)
    return figures


def _counted(chunks: Iterator[Encoded], progress: Progress) -> Iterator[Encoded]:
    for chunk in chunks:
        progress.add(len(chunk))
        yield chunk


def _tell(figures: Mapping[str, object], file: Path | None) -> None:
    if file is not None:
        file.write_text(json.dumps(figures) + "\n", "utf-8")
    typer.echo(" ".join(f"{key}={value}" for key, value in figures.items()))


class _Figures(Collector):
    """Figures as they stand when they are asked for."""

    def __init__(self, figures: Callable[[], dict[str, float]]) -> None:
        self._figures = figures

    def collect(self) -> Iterator[Metric]:
        for name, value in self._figures().items():
            gauge = name.endswith("_ms")
            whole = name if name.startswith("simulators_") else f"simulators_verify_{name}"
            kind = GaugeMetricFamily if gauge else CounterMetricFamily
            yield kind(whole, name.replace("_", " "), value=value)


def _serve(port: int | None, figures: Callable[[], dict[str, float]]) -> None:
    """Serve figures to Prometheus until the process ends."""
    if port is not None:
        registry = CollectorRegistry()
        registry.register(_Figures(figures))
        start_http_server(port, "127.0.0.1", registry)
