"""What became of everything that was to be published."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class Counts:
    """Figures of one way out, or of all; each message and each frame is in one of sent and failed."""

    readings_sent: int = 0
    messages_sent: int = 0
    messages_failed: int = 0
    frames_sent: int = 0
    frames_failed: int = 0
    messages_resent: int = 0
    """Said again by loggers on their own connections, for want of an answer."""
    messages_refused: int = 0
    """Of those that failed: turned away by the centre (9011)."""
    messages_overwritten: int = 0
    """Of those that failed: pushed out of the memory of a logger that was away for long."""
    answers_sent: int = 0
    """Frames that the centre had asked for: 9011, data of the past, 9012."""
    connects: int = 0
    """Connections that loggers have made."""
