"""The demo's accounts: what the simulators say they sent, held against what the gateway did with it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import msgspec

from gateway.service import Service


class Sent(msgspec.Struct):
    """The report of `simulators run --report`."""

    messages_sent: int = 0
    readings_sent: int = 0
    frames_sent: int = 0


@dataclass(frozen=True, slots=True)
class Summary:
    """The last line of the demo."""

    readings: int
    frames: int
    alerts_fired: int
    alerts_resolved: int
    dead_letters: int
    lost: int
    """Messages, readings and frames that were sent and of which no trace is left: not stored, counted or dead."""

    def __str__(self) -> str:
        return (
            f"readings={self.readings} frames={self.frames} alerts_fired={self.alerts_fired} "
            f"alerts_resolved={self.alerts_resolved} dead_letters={self.dead_letters} lost={self.lost}"
        )


def read_report(file: Path) -> Sent:
    """What was sent; nothing where the simulators never got to write it."""
    return msgspec.json.decode(file.read_bytes(), type=Sent) if file.exists() else Sent()


def summarise(service: Service, sent: Sent) -> Summary:
    """The accounts of a service that has stopped."""
    counts = service.pipeline.counts
    frames = service.frames.counts
    dead = sum(counts.dead.values())
    stored = service.writer.rows + service.writer.duplicates + service.writer.revisions + service.writer.rejected
    lost_messages = sent.messages_sent - counts.messages
    lost_readings = sent.readings_sent - counts.readings if not dead else 0
    unstored = counts.readings - stored
    lost_frames = sent.frames_sent - frames.received - counts.dead["unknown_camera"]
    unseen = frames.received - frames.analysed - sum(frames.dropped.values())
    steps = counts.steps
    return Summary(
        readings=stored,
        frames=frames.received,
        alerts_fired=sum(n for (_, step), n in steps.items() if step == "fired"),
        alerts_resolved=sum(n for (_, step), n in steps.items() if step == "resolved"),
        dead_letters=dead,
        lost=sum(max(0, n) for n in (lost_messages, lost_readings, unstored, lost_frames, unseen)),
    )
