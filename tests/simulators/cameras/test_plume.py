"""The opacity of smoke, measured back from pixels: over white and over black the same smoke tells its transmittance."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
import simulated_views as views

from simulators.cameras.render import Renderer
from simulators.cameras.scenes import make_scene
from simulators.errors import ScenarioError
from simulators.frame_truth import told
from simulators.settings.cameras import STACKS

CALM = {"cloud": 0.0, "wind_m_s": 3.0}
SMOKE = {"kind": "smoke", "stack": 1, "start_s": 10.0, "duration_s": 60.0, "ramp_s": 4.0}


@pytest.fixture(scope="module")
def papers(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A dark and a bright picture to have behind the smoke."""
    folder = tmp_path_factory.mktemp("papers")
    found = folder / "dark.png", folder / "bright.png"
    for file, grey in zip(found, (40, 200), strict=True):
        cv2.imwrite(str(file), np.full((180, 320, 3), grey, np.uint8))
    return found


def over(papers: tuple[Path, Path], **smoke: object) -> list[Renderer]:
    """The same smoke before both pictures."""
    return [
        views.renderer("stack", SMOKE | smoke, background=str(paper), weather=CALM, noise=0.0, steam=0.0)
        for paper in papers
    ]


def transmittance(papers: tuple[Path, Path], pair: list[Renderer], t: float) -> np.ndarray:
    """Of each pixel: what is left of the difference between the two backgrounds."""
    plain = [views.renderer("stack", background=str(paper), weather=CALM, noise=0.0, steam=0.0) for paper in papers]
    dark, bright = (views.frame(made, t).picture.astype(float).mean(axis=2) for made in pair)
    clear_dark, clear_bright = (views.frame(made, t).picture.astype(float).mean(axis=2) for made in plain)
    return (bright - dark) / (clear_bright - clear_dark)


@pytest.mark.parametrize("colour", ["black", "grey", "white", "yellow"])
def test_the_opacity_above_the_mouth_is_in_the_pixels_and_in_the_truth(papers: tuple[Path, Path], colour: str) -> None:
    level = {"black": 4.0, "grey": 3.0, "white": 1.0, "yellow": 2.0}[colour]
    pair = over(papers, ringelmann=level, colour=colour)
    for t in (30.0, 47.0):
        (trace,) = views.frame(pair[0], t).traces
        assert trace.read is not None and trace.opacity is not None
        x, y, w, h = trace.read
        measured = 1 - transmittance(papers, pair, t)[y : y + h, x : x + w].mean()
        assert trace.opacity == pytest.approx(measured, abs=0.02)
        assert trace.opacity / 0.2 == pytest.approx(level, abs=0.1), "the Ringelmann number that was asked for"


def test_opacity_grows_and_goes_with_the_ramp(papers: tuple[Path, Path]) -> None:
    (made, _) = over(papers, opacity=0.8)
    seen = {t: max((trace.opacity or 0.0 for trace in views.frame(made, t).traces), default=0.0) for t in
            (9.0, 12.3, 30.0, 68.3, 71.5)}  # fmt: skip
    assert seen[9.0] == 0 and seen[71.5] < 0.02
    assert 0.2 < seen[12.3] < 0.6 and 0.2 < seen[68.3] < 0.6
    assert seen[30.0] == pytest.approx(0.8, abs=0.03)


def test_a_puff_leaves_the_mouth_first_and_is_later_seen_downwind(papers: tuple[Path, Path]) -> None:
    (made, _) = over(papers, opacity=0.8, duration_s=4.0, ramp_s=0.5)
    boxes = [views.frame(made, t).traces[0].box for t in (11.0, 18.0, 24.0)]
    assert all(boxes)
    lefts = [box[0] for box in boxes if box]
    assert lefts[0] < lefts[1] < lefts[2], "wind from the west, the camera looks north"


def test_wind_from_the_east_drives_the_plume_to_the_left() -> None:
    for wind, right in ((270.0, True), (90.0, False)):
        made = views.renderer("stack", SMOKE | {"opacity": 0.9}, steam=0.0, weather={"wind_from_deg": wind})
        (trace,) = views.frame(made, 40.0).traces
        box, read = trace.box, trace.read
        assert box is not None and read is not None
        assert (box[0] + box[2] / 2 > read[0] + read[2]) is right


def test_steam_is_not_seen_right_above_the_mouth_and_evaporates() -> None:
    steam = {"kind": "steam", "stack": 1, "start_s": 0.0, "opacity": 0.8, "reach_m": 30.0}
    near = views.renderer("stack", steam, steam=0.0, weather={"cloud": 0.0})
    far = views.renderer("stack", steam | {"reach_m": 80.0}, steam=0.0, weather={"cloud": 0.0})
    (short,), (long,) = views.frame(near, 40.0).traces, views.frame(far, 40.0).traces
    mouth = make_scene("stack", np.random.default_rng(1), 640, 360).stacks[1]
    assert short.label == "steam" and short.opacity is None
    assert short.box is not None and long.box is not None
    rows, columns = round(mouth.y - 0.5 * mouth.width), round(mouth.x)
    assert not short.mask(640, 360)[rows : round(mouth.y), columns - 6 : columns + 6].any(), "a gap above the mouth"
    assert short.box[0] + short.box[2] < mouth.x + 2.5 * 30.0 * mouth.scale, "gone soon after its reach"
    assert long.box[2] > 1.5 * short.box[2]


def test_the_truth_of_a_frame_tells_opacity_and_ringelmann_by_stack() -> None:
    plan = views.scenario("stack", SMOKE | {"ringelmann": 3.0}, {**SMOKE, "stack": 0, "opacity": 0.4}, steam=0.0)
    made = views.renderer("stack", SMOKE | {"ringelmann": 3.0}, {**SMOKE, "stack": 0, "opacity": 0.4}, steam=0.0)
    record = told(views.frame(made, 30.0), plan.cameras[0])
    plumes = {plume["stack"]: plume for plume in record["plumes"]}  # pyright: ignore[reportGeneralTypeIssues]
    assert plumes[1]["ringelmann"] == pytest.approx(3.0, abs=0.1)
    assert plumes[0]["opacity"] == pytest.approx(0.4, abs=0.02)
    assert [plumes[1]["incident"], plumes[0]["incident"]] == [0, 1]


def test_scenes_have_the_stacks_that_scenarios_may_name() -> None:
    for name in ("gate", "yard", "stack", "outfall", "street"):
        scene = make_scene(name, np.random.default_rng(1), 128, 72)
        assert len(scene.stacks) == STACKS.get(name, 0)
        assert (scene.flare is not None) == (name in STACKS)
        assert (scene.water is not None) == (name == "outfall")


def test_mattes_give_smoke_another_texture_and_the_same_opacity_at_the_mouth(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    for number in range(3):
        cv2.imwrite(str(tmp_path / f"{number}.png"), rng.integers(0, 255, (90, 120), np.uint8))
    smoke = SMOKE | {"opacity": 0.7}
    own = views.frame(views.renderer("stack", smoke, steam=0.0), 40.0)
    theirs = views.frame(views.renderer("stack", smoke, steam=0.0, mattes=str(tmp_path)), 40.0)
    assert theirs.traces[0].opacity == pytest.approx(0.7, abs=0.03)
    assert np.abs(own.traces[0].alpha - theirs.traces[0].alpha).max() > 0.1


@pytest.mark.parametrize("key", ["background", "mattes"])
def test_pictures_that_are_not_there_are_a_mistake_with_their_path(tmp_path: Path, key: str) -> None:
    with pytest.raises(ScenarioError, match="nowhere"):
        views.renderer("stack", **{key: str(tmp_path / "nowhere")})
