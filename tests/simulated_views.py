"""Small scenarios of one camera, for tests of what it sees."""

from __future__ import annotations

import struct
from datetime import datetime

from simulators.cameras.render import Frame, Renderer
from simulators.fleet import renderer_of
from simulators.scenario import Scenario

START = 1_782_014_400_000
"""2026-06-21 12:00 in China: the sun is high."""
ZONE = [[0.3, 0.48], [0.7, 0.48], [0.7, 0.97], [0.3, 0.97]]
NAME = {"en": "x", "zh": "x"}


def scenario(scene: str, *incidents: dict[str, object], **simulate: object) -> Scenario:
    """A scenario of the camera `c` at the site `p` with the zone `z` and these incidents before it."""
    return Scenario.model_validate(
        {
            "about": "one camera",
            "sites": [{"id": "p", "name": NAME, "latitude": 33.02, "longitude": 112.6}],
            "cameras": [
                {
                    "id": "c",
                    "site": "p",
                    "name": NAME,
                    "zones": [{"id": "z", "name": NAME, "polygon": ZONE}],
                    "simulate": {"scene": scene, **simulate},
                }
            ],
            "incidents": [{"site": "p", "camera": "c", **incident} for incident in incidents],
        }
    )


def renderer(scene: str, *incidents: dict[str, object], **simulate: object) -> Renderer:
    plan = scenario(scene, *incidents, **simulate)
    return renderer_of(plan, plan.cameras[0], 7, START)


def frame(made: Renderer, t: float, number: int = 5) -> Frame:
    """The frame at `t` seconds since the start."""
    return made.frame(number, START + round(1000 * t))


def exif_time(jpeg: bytes) -> int:
    """Capture time (ms UTC) read as an independent reader would: markers, TIFF, IFD0, Exif IFD."""
    assert jpeg[:4] == b"\xff\xd8\xff\xe1"
    (length,) = struct.unpack(">H", jpeg[4:6])
    body = jpeg[6 : 4 + length]
    assert body[:6] == b"Exif\0\0"
    tiff = body[6:]
    order = {b"MM\x00\x2a": ">", b"II\x2a\x00": "<"}[tiff[:4]]

    def entries(at: int) -> dict[int, bytes]:
        (count,) = struct.unpack_from(f"{order}H", tiff, at)
        found: dict[int, bytes] = {}
        tags: list[int] = []
        for k in range(count):
            tag, kind, n = struct.unpack_from(f"{order}HHI", tiff, at + 2 + 12 * k)
            size = n * {2: 1, 4: 4, 7: 1}[kind]
            where = at + 2 + 12 * k + 8
            if size > 4:
                (where,) = struct.unpack_from(f"{order}I", tiff, where)
            found[tag] = tiff[where : where + size]
            tags.append(tag)
        assert tags == sorted(tags)
        return found

    (ifd0,) = struct.unpack_from(f"{order}I", tiff, 4)
    (exif_at,) = struct.unpack(f"{order}I", entries(ifd0)[0x8769])
    exif = {tag: value.rstrip(b"\0").decode() for tag, value in entries(exif_at).items()}
    assert exif[0x9000] == "0232"
    stamp = datetime.strptime(f"{exif[0x9003]}.{exif[0x9291]}{exif[0x9011]}", "%Y:%m:%d %H:%M:%S.%f%z")
    return round(stamp.timestamp() * 1000)
