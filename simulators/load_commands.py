"""The commands `simulators load` and `simulators verify`: make load, and say what became of it."""

from __future__ import annotations

import asyncio
import json
import resource
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Literal

import typer

from simulators import load
from simulators.arguments import LOCAL, BrokerOption, PasswordOption, UsernameOption, broker_of, password_of, say
from simulators.broker import Broker
from simulators.errors import BrokerError, SimulatorError
from simulators.fast_publisher import Publishing
from simulators.load import Codec, Schedule, stamped_chunks
from simulators.metrics import Told, serve
from simulators.progress import Progress
from simulators.stopping import stopped_by_signals
from simulators.verify.listen import listen
from simulators.verify.stored import from_duckdb, from_file, from_influxdb
from simulators.verify.tally import Arrivals, Tally
from simulators.wire import Encoded

Json = Annotated[Path | None, typer.Option("--json", help="Write the figures to this file.")]
MetricsPort = Annotated[int | None, typer.Option(help="Serve the figures to Prometheus on this port of 127.0.0.1.")]
PERCENTILES = (50.0, 90.0, 99.0, 99.9)
STOPPING_S = 3.0
"""How long a load that was stopped waits for acknowledgements."""
LOOK_S = 0.1
LOAD_TOLD = {
    "sent": Told("Messages sent, each once."),
    "acked": Told("Of those, acknowledged with success (QoS 1)."),
    "refused": Told("Of those, acknowledged with an error (QoS 1)."),
    "resent": Told("Messages sent once more after a reconnect (QoS 1)."),
    "lost": Told("Messages written to a connection that then broke, not known to have been read (QoS 0)."),
}
VERIFY_TOLD = {
    "received": Told("Messages that came, each once."),
    "lost": Told("Messages that have not come.", counts=False),
    "duplicated": Told("Arrivals of messages that had come before."),
    "out_of_order": Told("Messages that came after a later one of their device."),
    "strangers": Told("Arrivals that are no messages of the load."),
    "before_sent": Told("Messages that came before they were sent, by clocks that differ."),
    "max_ms": Told("Longest time from sent to received, in milliseconds.", counts=False),
    **{
        f"p{percent:g}_ms".replace(".", "_"): Told(
            f"Time from sent to received that {percent:g} % of messages do not exceed, in milliseconds.", counts=False
        )
        for percent in PERCENTILES
    },
}


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
    username: UsernameOption = None,
    password_file: PasswordOption = None,
    inventory: Annotated[Path | None, typer.Option(help="Write the inventory of the devices to this file.")] = None,
    metrics_port: MetricsPort = None,
) -> None:
    """Publish messages that tell their sequence and send time over MQTT 5; tell rate and CPU time a message.

    Ctrl-C ends it cleanly.
    """
    if messages is None and seconds is None:
        raise SimulatorError("give --messages or --seconds, or both: what comes first ends it")
    address = _plain(broker_of(broker, username, password_file))
    if inventory is not None:
        inventory.write_text(load.inventory(devices), "utf-8")
    level: Literal[0, 1] = 1 if qos else 0
    total = messages if messages is not None else round(rate * seconds) if rate and seconds else None
    with Progress("sent", total) as progress, stopped_by_signals() as stop:
        chunks = _counted(stamped_chunks(devices, codec, level, Schedule(rate, messages), seed), progress)
        publishing = Publishing(address, chunks, level, rate, window, seconds=seconds)
        before = resource.getrusage(resource.RUSAGE_SELF)  # made ready: what follows is the messages' own
        serve(metrics_port, "simulators_load", LOAD_TOLD, lambda: _made(publishing))
        trouble = asyncio.run(_publish(publishing, stop))
    done = publishing.report()
    if trouble is not None and not done.sent:
        raise trouble
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
    if trouble is not None:
        raise trouble


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
    username: Annotated[str | None, typer.Option(help="Log in to the broker or the database with this name.")] = None,
    password_file: PasswordOption = None,
    json_file: Json = None,
    metrics_port: MetricsPort = None,
) -> None:
    """Say what became of the messages of `simulators load`: lost, duplicated, out of order, late.

    Status 1 where any was lost or came twice.
    """
    if load_file is not None:
        said = _load_of(load_file)
        sent, devices = said[0] if sent is None else sent, devices or said[1]
    if devices is None:
        raise SimulatorError("give --load, or --devices and --sent")
    sources = [source for source in (duckdb, readings, influx, broker) if source is not None]
    if len(sources) != 1:
        raise SimulatorError("give one of --duckdb, --readings, --influx and --broker")
    tally = Tally(devices)
    serve(metrics_port, "simulators_verify", VERIFY_TOLD, lambda: figures_of(tally, sent))
    if broker is not None:
        _listen(_plain(broker_of(broker, username, password_file)), topic, qos, tally, seconds, sent)
    else:
        if duckdb is not None:
            parts = from_duckdb(duckdb)
        elif readings is not None:
            parts = from_file(readings)
        else:
            parts = from_influxdb(influx or "", database, username, password_of(password_file))
        for part in parts:
            tally.add(part)
    figures = figures_of(tally, sent)
    _tell(figures, json_file)
    if figures.get("lost") or figures["duplicated"]:
        raise typer.Exit(1)


async def _publish(publishing: Publishing, stop: threading.Event) -> BrokerError | None:
    """Publish until it is done, or `stop` is set; what ended it before that."""
    working = asyncio.create_task(publishing.run(reconnect=True))
    while not working.done() and not stop.is_set():
        await asyncio.wait({working}, timeout=LOOK_S)
    publishing.finish()
    await asyncio.wait({working}, timeout=STOPPING_S)
    if not working.done():
        working.cancel()
    try:
        await working
    except BrokerError as error:
        return error
    except asyncio.CancelledError:
        say("the broker has not acknowledged all: ended without")
    return None


def _listen(broker: Broker, topic: str, qos: int, tally: Tally, seconds: float, sent: int | None) -> None:
    moved = time.monotonic()
    with Progress("received", sent) as progress, stopped_by_signals() as stop:

        def take(arrivals: Arrivals) -> None:
            nonlocal moved
            moved = time.monotonic()
            tally.add(arrivals)
            progress.add(len(arrivals))

        def done() -> bool:
            return stop.is_set() or (tally.received > 0 and time.monotonic() - moved > seconds)

        asyncio.run(listen(broker, topic, qos, take, done))


def _plain(broker: Broker) -> Broker:
    if broker.secure:
        raise SimulatorError(f"{broker}: load and verify speak plain mqtt:// only")
    return broker


def _load_of(file: Path) -> tuple[int, int]:
    """Messages and devices that a load file tells."""
    try:
        said = json.loads(file.read_text("utf-8"))
        return int(said["sent"]), int(said["devices"])
    except (ValueError, KeyError, TypeError) as error:
        raise SimulatorError(f"{file}: not what `simulators load --json` writes: {error!r}") from error


def _made(publishing: Publishing) -> dict[str, float]:
    figures = asdict(publishing.report())
    return {name: figures[name] for name in LOAD_TOLD}


def figures_of(tally: Tally, sent: int | None) -> dict[str, float]:
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
