"""Small scenarios of one camera, for tests of what it sees."""

from __future__ import annotations

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
