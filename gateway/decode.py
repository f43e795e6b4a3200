"""From a block of messages to columns: each message goes to the codec of its topic, and ends as readings or dead.

The one place that keeps the promise that nothing a payload holds stops the batch.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import structlog

from gateway.codecs.seam import Codec, Sink
from gateway.config import CAMERA_CODECS
from gateway.reasons import Reason
from gateway.records import Block, Claim, DeadLetter, Decoded
from gateway.topics import Route, Router

log = structlog.get_logger("gateway.decode")

_OF_ANOTHER: Final = frozenset((Reason.MN_MISMATCH, Reason.DEVICE_MISMATCH, Reason.CAMERA_MISMATCH))
_OF_NOBODY: Final = _OF_ANOTHER | {Reason.UNKNOWN_DEVICE, Reason.UNKNOWN_CAMERA, Reason.LOGIN_REFUSED}


class Decoder:
    """Decodes blocks. The same block gives the same columns, whenever it is read."""

    def __init__(self, router: Router, codecs: dict[str, Codec]) -> None:
        self._router = router
        self._codecs = codecs

    def decode(self, block: Block) -> Decoded:
        """All messages of a block. O(messages + readings); raises nothing for what they hold."""
        routes = list(map(self._router.route, block.topics))
        parts: list[Sink] = []
        for name, rows, devices in _by_codec(routes):
            codec = self._codecs.get(name)
            parts += _unknown(block, rows) if codec is None else _run(codec, rows, devices, block)
        whole = parts[0] if len(parts) == 1 else _joined(block, parts)
        heard = sorted(whole.devices)
        return Decoded(
            *(block.first, block.end, block.received, whole.readings()),
            dead=whole.dead,
            devices=heard,
            alive_only=whole.alive_only,
            frames=whole.frames,
            cameras=sorted(whole.cameras),
            detections=whole.detections,
            link=block.link,
            claims=_claims(whole.dead, routes, block.first),
            strange=_strange(whole.dead, routes, block.first),
        )


def _run(codec: Codec, rows: Sequence[int], devices: Sequence[int], block: Block) -> list[Sink]:
    """One sink; several where the codec failed on a message, which then is found by halving and buried alone."""
    sink = Sink(block)
    try:
        codec.decode(rows, devices, sink)
    except Exception:
        if len(rows) > 1:
            half = len(rows) // 2
            return _run(codec, rows[:half], devices[:half], block) + _run(codec, rows[half:], devices[half:], block)
        log.exception("codec_error", topic=block.topics[rows[0]], position=block.first + rows[0])
        sink = Sink(block)
        sink.bury(rows[0], "codec_error", "the gateway failed on this message; its log has the trace")
    return [sink]


def _unknown(block: Block, rows: Sequence[int]) -> list[Sink]:
    sink = Sink(block)
    for row in rows:
        sink.bury(row, "unknown_topic", f"no topic template matches {block.topics[row]!r}")
    return [sink]


def _joined(block: Block, parts: list[Sink]) -> Sink:
    whole = Sink(block)
    for part in parts:
        whole.backfilled += [len(whole.rows) + at for at in part.backfilled]
        whole.untimed += [len(whole.rows) + at for at in part.untimed]
        whole.rows += part.rows
        whole.counts += part.counts
        whole.times += part.times
        whole.channels += part.channels
        whole.values += part.values
        whole.flags += part.flags
        whole.devices |= part.devices
        whole.dead += part.dead
        whole.alive_only += part.alive_only
        whole.frames += part.frames
        whole.cameras |= part.cameras
        whole.detections += part.detections
    whole.dead.sort(key=lambda letter: letter.position)
    whole.frames.sort(key=lambda frame: frame.row)
    whole.detections.sort(key=lambda event: event.row)
    return whole


def _by_codec(routes: list[Route]) -> list[tuple[str, Sequence[int], list[int]]]:
    """Row numbers and devices of each codec; nearly always there is one, and the rows are all rows."""
    names = {route.codec for route in routes}
    if len(names) == 1:
        name = names.pop()
        return [(name, range(len(routes)), _subjects(name, routes))]
    parts: list[tuple[str, Sequence[int], list[int]]] = []
    for name in sorted(names):
        rows = [row for row, route in enumerate(routes) if route.codec == name]
        parts.append((name, rows, _subjects(name, [routes[row] for row in rows])))
    return parts


def _subjects(name: str, routes: list[Route]) -> list[int]:
    """What the topics name, for the codec `name`: see `Codec.decode`."""
    if name in CAMERA_CODECS:
        return [route.camera for route in routes]
    return [route.device for route in routes]


def _claims(dead: list[DeadLetter], routes: list[Route], first: int) -> list[Claim]:
    """Whom messages named that came by the topic of another; those by topics of nobody are dead letters only."""
    claims: list[Claim] = []
    for letter in dead:
        if letter.reason in _OF_ANOTHER:
            of_camera = letter.reason == Reason.CAMERA_MISMATCH
            route = routes[letter.position - first]
            subject = route.camera if of_camera else route.device
            if subject >= 0:
                claims.append(Claim(letter.position, subject, of_camera, letter.claimed))
    return claims


def _strange(dead: list[DeadLetter], routes: list[Route], first: int) -> list[DeadLetter]:
    """Letters of nobody of the inventory, or not of whom they say."""
    return [letter for letter in dead if letter.reason in _OF_NOBODY or not routes[letter.position - first].known]
