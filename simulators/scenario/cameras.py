"""Cameras: their zones as the gateway's inventory has them, and how they are simulated."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from simulators.scenario.tables import Id, Name, Point, Share, Table


class CameraSimulation(Table):
    scene: Literal["gate", "yard", "stack", "outfall"]
    fps: Annotated[float, Field(gt=0, le=60)] = 5.0
    width: Annotated[int, Field(ge=64, le=4096)] = 640
    height: Annotated[int, Field(ge=64, le=4096)] = 360
    quality: Annotated[int, Field(ge=10, le=100)] = 75


class Zone(Table):
    id: Id
    name: Name
    polygon: Annotated[tuple[Point, ...], Field(min_length=3)]
    share: Share = 0.01
    hold_s: Annotated[float, Field(ge=0)] = 0.6
    quiet_s: Annotated[float, Field(ge=0)] = 2.0


class Camera(Table):
    id: Id
    site: Id
    name: Name
    silent_after_s: Annotated[float, Field(gt=0)] = 10.0
    zones: tuple[Zone, ...] = ()
    simulate: CameraSimulation
