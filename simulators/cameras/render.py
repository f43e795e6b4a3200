"""The renderer: a place, its light and air, what happens there, the lens and the sensor, as one JPEG a frame.

A frame is a function of its number and time alone, so any frame can be made again, or left out. Everything costly
(scene, clouds, the ways of plumes, noise) is made once. Layers from far to near:

```
place in light and fog > clouds > plumes, flame > water > figures by distance > cloud shadow > rain > shake, turn
    > insects > glare > blur > cloth > sensor > JPEG
```
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

import cv2

from simulators.cameras import figures, lens, outside
from simulators.cameras.air import Clouds, Rain, lit, rain_visibility, sweep
from simulators.cameras.exif import with_capture_time
from simulators.cameras.flame import Flame
from simulators.cameras.light import FIXED, Light, light_of
from simulators.cameras.materials import Image
from simulators.cameras.plume import SMOKES, Gas, Plume, vapour
from simulators.cameras.scenes import make_scene
from simulators.cameras.trace import Trace
from simulators.cameras.water import Water
from simulators.incidents import (
    Blur,
    CameraClock,
    CloudShadow,
    ColouredWater,
    Cover,
    Crossing,
    Flare,
    Foam,
    Fog,
    Freeze,
    Glare,
    Insects,
    Jitter,
    OnCamera,
    Shift,
    Smoky,
    Steam,
)  # fmt: skip
from simulators.incidents import Rain as Shower
from simulators.seeds import generator
from simulators.settings import Camera, Site
from simulators.sun import sun

SUN_STEP_MS: Final = 10_000
"""How often the light of the real sun is worked out."""
CLEAR_M: Final = 20_000.0
FOG_M: Final = 1_000.0
"""Visibility under which meteorologists speak of fog."""
STEAM_M: Final = 55.0
Some = TypeVar("Some", bound=OnCamera)
Level = Callable[[float], float]
"""Seconds since the start to how much there is, 0 to 1."""
Sky = Callable[[int], tuple[float, float]]
"""Time (ms UTC) to rain in mm/h and sight in metres, endless on a clear day."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One picture with what is known of it."""

    picture: Image
    """Shape (height, width, 3), BGR, before it is encoded."""
    traces: tuple[Trace, ...]
    """Far things first."""
    states: tuple[str, ...]
    """Words for light, weather and tampering; none on a plain day."""


class Renderer:
    """One camera's frames."""

    def __init__(
        self, camera: Camera, site: Site, incidents: Sequence[tuple[int, OnCamera]], sky: Sky, seed: int, start: int
    ) -> None:
        """`incidents`: those of this camera with their numbers in the scenario; `start`: ms UTC of its beginning.

        Wind and cloud are those of `camera.simulate.weather` all the time, rain and sight those of `sky`.

        Raises `ScenarioError` where a picture that the scenario names cannot be read.
        """
        simulate = camera.simulate
        self._camera, self._site, self._start = camera, site, start
        self._incidents, self._sky = incidents, sky
        self._size = width, height = simulate.width, simulate.height
        self._zones = {zone.id: zone for zone in camera.zones}

        def own(*names: str):
            return generator(seed, camera.site, camera.id, *names)

        scene = make_scene(simulate.scene, own("scene"), width, height)
        self._scene = scene if simulate.background is None else outside.with_background(scene, simulate.background)
        weather = simulate.weather
        across = weather.wind_m_s * math.sin(math.radians(weather.wind_from_deg + 180 - simulate.bearing_deg))
        self._clouds = Clouds(own("clouds"), scene, weather.cloud, across)
        self._painted = simulate.background is None
        self._phase = float(own("exposure").uniform(0, math.tau))
        self._rain = Rain(own("rain"), width, height, across / 9.0)
        self._sensor = lens.Sensor(own("sensor"), width, height, simulate.noise, simulate.flicker)
        self._cloth = lens.Cloth(own("cloth"), width, height)
        self._water = None if scene.water is None else Water(own("water"), scene, scene.water)
        mattes = [] if simulate.mattes is None else outside.mattes(simulate.mattes)
        wind = across, weather.wind_m_s

        def plume(name: str, stack: int, gas: Gas) -> Plume:
            return Plume(own("plume", name), scene.stacks[stack], self._size, wind, gas, mattes)

        self._plumes: list[tuple[int | None, int | None, Plume, Level]] = []
        for number, smoke in self._of(Smoky):
            made = plume(str(number), smoke.stack, SMOKES[smoke.colour])
            self._plumes.append((number, smoke.stack, made, _density(smoke)))
        if scene.stacks and simulate.steam:
            self._plumes.append((None, 0, plume("steam", 0, vapour(STEAM_M)), lambda _: simulate.steam))
        for number, steam in self._of(Steam):
            made = plume(str(number), steam.stack, vapour(steam.reach_m))
            self._plumes.append((number, steam.stack, made, _vapour(steam)))
        self._flames: list[tuple[int, Flare, Flame]] = []
        for number, flare in self._of(Flare):
            assert scene.flare is not None, "the scenario's checks let no flare into a scene without one"
            self._flames.append((number, flare, Flame(own("flame", str(number)), scene.flare, across, flare.length_m)))
            if flare.smoke:
                soot = Plume(own("plume", str(number)), scene.flare, self._size, wind, SMOKES["black"], mattes)
                self._plumes.append((number, None, soot, _soot(flare)))
        self._base: tuple[object, Light, Image] | None = None

    def _of(self, kind: type[Some]) -> list[tuple[int, Some]]:
        return [(number, each) for number, each in self._incidents if isinstance(each, kind)]

    def captured(self, time: int) -> int:
        """What the camera's clock says at the true time `time`, both ms UTC."""
        t = (time - self._start) / 1000
        return time + sum(round(1000 * clock.offset_s) for _, clock in self._of(CameraClock) if clock.active(t))

    def frame(self, number: int, time: int) -> Frame:
        """Frame `number`, taken at the true time `time` (ms UTC)."""
        t = (time - self._start) / 1000
        frozen = [freeze for _, freeze in self._of(Freeze) if freeze.active(t)]
        if frozen:
            begins = max(t - (freeze.since(t) or 0.0) for freeze in frozen)
            time = self._start + round(begins * 1000)
            number, t = time, begins
        light, base, rain = self._air(time, t)
        picture = base.copy()
        if self._painted:
            self._clouds.draw(picture, t, light)
        traces = [*self._plant(picture, t, light), *self._figures(picture, t, light)]
        picture = self._clouds.shade(picture, t, 1 + (0 if light.night else 0.015) * math.sin(t / 17 + self._phase))
        for _, cloud in self._of(CloudShadow):
            since = cloud.since(t)
            if since is not None and since < cloud.duration_s and not light.night:
                picture = sweep(picture, self._scene, since / cloud.duration_s, cloud.depth)
        if rain:
            picture = self._rain.draw(picture, lens.scrambled(number), rain)
        picture, traces, states = self._lens(picture, traces, number, t, light)
        words = [light.state] if light.state != "day" else []
        words += ["rain"] if rain else []
        words += ["fog"] if light.visibility is not None and light.visibility < FOG_M else []
        words += states + (["frozen"] if frozen else [])
        return Frame(self._sensor.expose(picture, t, number, light), tuple(traces), tuple(words))

    def _air(self, time: int, t: float) -> tuple[Light, Image, float]:
        """The light, the place in it, and the rain in mm/h."""
        simulate = self._camera.simulate
        rain, seen = self._sky(time)
        rain += sum(s.mm_h * s.share(t) for _, s in self._of(Shower))
        for _, fog in self._of(Fog):
            if share := fog.share(t):
                seen = min(seen, math.exp((1 - share) * math.log(CLEAR_M) + share * math.log(fog.visibility_m)))
        if rain:
            seen = min(seen, rain_visibility(rain))
        step = None if math.isinf(seen) or seen > CLEAR_M else round(32 * math.log(seen))  # in steps of 3 %
        moment = time // SUN_STEP_MS if simulate.light == "sun" else 0
        if self._base is None or self._base[0] != (moment, step):
            if simulate.light == "sun":
                height, azimuth = sun(moment * SUN_STEP_MS, self._site.latitude, self._site.longitude)
            else:
                height, azimuth = FIXED[simulate.light]
                azimuth += simulate.bearing_deg
            visibility = None if step is None else math.exp(step / 32)
            light = light_of(height, azimuth, simulate.bearing_deg, simulate.weather.cloud, visibility)
            self._base = (moment, step), light, lit(self._scene, light)
        return self._base[1], self._base[2], rain

    def _plant(self, picture: Image, t: float, light: Light) -> list[Trace]:
        """Plumes, flames and water."""
        traces = [
            plume.draw(picture, t, opacity, light, number, stack) for number, stack, plume, opacity in self._plumes
        ]
        traces += [flame.draw(picture, t, flare.share(t), light, number) for number, flare, flame in self._flames]
        found = [trace for trace in traces if trace is not None]
        if self._water is not None:
            colours = [(number, each.rgb, _strength(each)) for number, each in self._of(ColouredWater)]
            foams = [(number, _cover(each)) for number, each in self._of(Foam)]
            found += self._water.draw(picture, t, light, colours, foams)
        return found

    def _figures(self, picture: Image, t: float, light: Light) -> list[Trace]:
        seen = [
            (figure, number)
            for number, crossing in self._of(Crossing)
            for figure in figures.figures(crossing, self._zones[crossing.zone], t, *self._size)
        ]
        seen.sort(key=lambda pair: pair[0].feet)
        drawn = [figures.draw(picture, figure, light, self._scene.view, number) for figure, number in seen]
        return [trace for trace in drawn if trace is not None]

    def _lens(
        self, picture: Image, traces: list[Trace], key: int, t: float, light: Light
    ) -> tuple[Image, list[Trace], list[str]]:
        """What happens to the camera and right before it."""
        width, height = self._size
        states: list[str] = []
        dx = dy = 0.0
        for number, jitter in self._of(Jitter):
            if jitter.active(t):
                states.append("shaking")
                x, y = lens.shake(t, number)
                dx, dy = dx + jitter.pixels * x * width / 640, dy + jitter.pixels * y * width / 640
        for _, shift in self._of(Shift):
            if share := shift.share(t):
                states.append("shifted")
                dx, dy = dx + shift.dx * width * share, dy + shift.dy * height * share
        if dx or dy:
            picture = lens.moved(picture, dx, dy)
            gone = [trace.moved(round(dx), round(dy), width, height) for trace in traces]
            traces = [trace for trace in gone if trace is not None]
        for number, insects in self._of(Insects):
            if insects.active(t):
                states.append("insects")
                traces = traces + lens.fly(picture, insects, t - insects.start_s, number, light, number)
        for _, glare in self._of(Glare):
            if glare.active(t):
                states.append("glare")
                picture = lens.glared(picture, glare, t)
        for _, blur in self._of(Blur):
            if share := blur.share(t):
                states.append("blurred")
                picture = lens.blurred(picture, blur.sigma * width * share)
        for _, cover in self._of(Cover):
            if share := cover.share(t):
                states.append("covered")
                picture = self._cloth.over(picture, cover, share, light)
        return picture, traces, states

    def encode(self, picture: Image, captured: int) -> bytes:
        """The picture as the camera sends it, with what its clock says (ms UTC) in EXIF."""
        done, encoded = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, self._camera.simulate.quality])
        assert done, "JPEG encoding failed"
        return with_capture_time(encoded.tobytes(), captured, self._site.zone)


def _density(smoke: Smoky) -> Level:
    return lambda t: smoke.density * smoke.share(t)


def _vapour(steam: Steam) -> Level:
    return lambda t: steam.opacity * steam.share(t)


def _soot(flare: Flare) -> Level:
    return lambda t: flare.smoke * flare.share(t)


def _strength(water: ColouredWater) -> Level:
    return lambda t: water.strength * water.share(t)


def _cover(foam: Foam) -> Level:
    return lambda t: foam.cover * foam.share(t)
