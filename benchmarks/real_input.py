"""Real input, end to end: logged HJ 212 frames and a filmed highway through a real mosquitto and the gateway.

    python benchmarks/real_input.py [--data DIR] [--fps 25] [--frames N] [--json FILE]

Every HJ 212 frame of `domain/hj212_vectors.jsonl` is published twice, to a gateway that refuses wrong checksums and to
one that accepts them, and what became of it is printed: readings stored, a sign of life, or a dead letter with its
reason. Then the pictures of `data/video/cdnet_highway` are published as one camera's frames in real time, and counted
through to alerts and detections. The sums must be exact: it ends with status 1 where anything is lost.

The data are not part of this project: `docs/real-input.md` says what is expected where.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, get_args

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from real_data import (  # noqa: E402
    HIGHWAY,
    VECTORS,
    ZONE,
    BadCrc,
    ClipRun,
    Outcome,
    Vector,
    gateway_for,
    ms_of,
    pictures_of,
    play_clip,
    play_vectors,
    read_vectors,
)
from servers import Missing, Mosquitto  # noqa: E402

from gateway.config import outside_data  # noqa: E402


def show_outcomes(outcomes: Sequence[Outcome], bad_crc: BadCrc) -> None:
    print(f'\n{VECTORS}: {len(outcomes)} frames, bad_crc = "{bad_crc}"')
    print(f"{'#':>3} {'source':28} {'CN':4} {'CRC':5} {'length':6} verdict")
    for n, one in enumerate(outcomes, 1):
        vector = one.vector
        crc, length = ("ok" if vector.crc_ok else "wrong"), ("ok" if vector.length_ok else "wrong")
        print(f"{n:3} {vector.source:28} {vector.cn:4} {crc:5} {length:6} {one.verdict}")


def sum_of(outcomes: Sequence[Outcome], bad_crc: BadCrc) -> tuple[dict[str, Any], list[str]]:
    """The figures of one run, and what is wrong with it."""
    dead = Counter(letter.reason for one in outcomes for letter in one.letters)
    figures = {
        "frames": len(outcomes),
        "with_readings": sum(one.readings > 0 for one in outcomes),
        "alive": sum(one.alive for one in outcomes),
        "dead": dict(dead),
        "readings": sum(one.readings for one in outcomes),
        "stored": sum(one.stored for one in outcomes),
    }
    wrong = [
        f"frame {n}: ended in {one.ends} ways, not in one" for n, one in enumerate(outcomes, 1) if one.ends != 1
    ] + [
        f"frame {n}: the file says its CRC is {'ok' if one.vector.crc_ok else 'wrong'}, the gateway: {one.verdict}"
        for n, one in enumerate(outcomes, 1)
        if ("bad_crc" in {letter.reason for letter in one.letters})
        != (bad_crc == "dead_letter" and not one.vector.crc_ok)
    ]
    return figures, wrong


def show_clip(run: ClipRun) -> None:
    print(f"\n{HIGHWAY}: {run.published} pictures as one camera at {run.fps:g} a second")
    for alert in sorted(run.alerts, key=lambda alert: alert["at"]):
        at, since = (run.number(ms_of(alert[key])) + 1 for key in ("at", "since"))
        print(f"  picture {at:5}: {alert['family']} {alert['step']}, since picture {since}: {alert['text']['en']}")


def figures_of_clip(run: ClipRun) -> tuple[dict[str, Any], list[str]]:
    """The figures of the clip, and what is wrong with the run."""
    delays = sorted(run.delays) or [0]
    figures = {
        "frames_published": run.published,
        "published_per_s": round(run.published / run.seconds, 2),
        "frames_received": run.received,
        "frames_refused": dict(run.refused),
        "frames_analysed": run.analysed,
        "frames_dropped": dict(run.dropped),
        "motion_alerts_fired": run.steps["fired"],
        "motion_alerts_resolved": run.steps["resolved"],
        "detections_published": run.detections_sent,
        "detections_dropped": run.detections_dropped,
        "detections_received": len(run.detections),
        "captured_to_detection_p50_ms": delays[len(delays) // 2],
        "captured_to_detection_p99_ms": delays[int(len(delays) * 0.99)],
        "worker_cpu_ms_per_frame": round(run.worker_cpu_s * 1000 / max(run.analysed, 1), 2),
        "gateway_cpu_ms_per_frame": round(run.gateway_cpu_s * 1000 / run.published, 2),
    }
    checks = {
        f"{run.lost} frames were lost before they were counted": run.lost == 0,
        f"{run.unsettled} received frames were neither analysed nor dropped with a reason": run.unsettled == 0,
        f"{run.detections_sent} detections were published and {len(run.detections)} received": (
            run.detections_sent == len(run.detections)
        ),
        f"alerts of zone {ZONE} were fired {run.steps['fired']} times and published "
        f"{sum(a['step'] == 'fired' and a['rule'] == ZONE for a in run.alerts)} times": (
            run.steps["fired"] == sum(a["step"] == "fired" and a["rule"] == ZONE for a in run.alerts)
        ),
    }
    return figures, [text for text, holds in checks.items() if not holds]


async def play(
    arguments: argparse.Namespace, vectors: Sequence[Vector], pictures: Sequence[bytes]
) -> tuple[dict[str, Any], list[str]]:
    figures: dict[str, Any] = {}
    wrong: list[str] = []
    with tempfile.TemporaryDirectory(prefix="real-input-") as name, Mosquitto(Path(name) / "broker") as broker:
        for bad_crc in get_args(BadCrc):
            gateway = gateway_for(broker, Path(name) / bad_crc, vectors, bad_crc)
            outcomes = await play_vectors(gateway, broker, vectors)
            show_outcomes(outcomes, bad_crc)
            figures[f"hj212_{bad_crc}"], mistakes = sum_of(outcomes, bad_crc)
            wrong += mistakes
        run = await play_clip(gateway_for(broker, Path(name) / "camera", vectors), broker, pictures, arguments.fps)
        show_clip(run)
        figures["highway"], mistakes = figures_of_clip(run)
    return figures, wrong + mistakes


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=outside_data(), help="folder of outside data")
    parser.add_argument("--fps", type=float, default=25.0, help="pictures a second")
    parser.add_argument("--frames", type=int, help="publish only so many pictures (default: all)")
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    arguments = parser.parse_args()
    try:
        vectors, pictures = read_vectors(arguments.data), pictures_of(arguments.data, most=arguments.frames)
    except OSError as error:
        parser.error(f"{error.filename}: {error.strerror}; give the folder of outside data with --data")
    if not pictures:
        parser.error(f"no pictures in {arguments.data / HIGHWAY / 'input'}")
    try:
        figures, wrong = asyncio.run(play(arguments, vectors, pictures))
    except Missing as missing:
        parser.error(str(missing))
    for part, values in figures.items():
        print(f"\n{part}")
        for key, value in values.items():
            print(f"  {key:32} {value}")
    if arguments.json:
        arguments.json.write_text(json.dumps(figures, indent=1) + "\n", "utf-8")
    print("\n" + ("\n".join(wrong) or "every frame is accounted for"))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
