"""Playing a scenario, on a clock of the test's own."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from played import stream

from simulators import library
from simulators.clock import LOOK_S
from simulators.counts import Counts
from simulators.play import play
from simulators.records import Happening, Message, Shot

DEMO = library.load("demo")
START = 1_767_225_600_000


@dataclass
class TestClock:
    """Stands still until someone waits."""

    __test__ = False
    time: float = START
    patient: bool = False

    def now(self) -> int:
        return int(self.time)

    def wait(self, seconds: float, stop: threading.Event) -> None:
        self.time += min(seconds, LOOK_S) * 1000

    def rest(self, stop: threading.Event) -> None:
        self.time += LOOK_S * 1000

    def late(self, due: int) -> float:
        return (self.time - due) / 1000


@dataclass
class Kept:
    """An outlet that keeps what it is given, with the time it was given."""

    clock: TestClock
    counts: Counts = field(default_factory=Counts)
    full: bool = False
    frames_full: bool = False
    got: list[tuple[int, Message | Shot]] = field(default_factory=list[tuple[int, Message | Shot]])
    on_pump: Callable[[], None] = lambda: None

    def reading(self, message: Message) -> None:
        self.got.append((self.clock.now(), message))

    def frame(self, shot: Shot) -> None:
        self.got.append((self.clock.now(), shot))

    def pump(self) -> object:
        return self.on_pump()


def test_each_message_is_published_at_its_time_and_the_run_ends_at_its_end() -> None:
    clock = TestClock()
    outlet = Kept(clock)
    report = play(DEMO, "demo", 7, outlet=outlet, clock=clock, stop=threading.Event(), seconds=10)
    assert [item for _, item in outlet.got] == [
        item for item in stream(DEMO, 7, START, 10) if not isinstance(item, Happening)
    ]
    assert all(0 <= at - item.due <= 1 for at, item in outlet.got)
    assert (report.scenario, report.seed, report.start_ms) == ("demo", 7, START)
    assert 10.0 <= report.seconds < 10.01


def test_the_truth_is_told_when_it_begins() -> None:
    told: list[tuple[int, Happening]] = []
    clock = TestClock()
    play(
        DEMO,
        "demo",
        7,
        outlet=Kept(clock),
        clock=clock,
        stop=threading.Event(),
        seconds=45,
        truth=lambda happening: told.append((clock.now(), happening)),
    )
    kinds = [(happening.record["layer"], happening.record["kind"]) for _, happening in told]
    assert kinds[:4] == [
        ("incident", "exceedance"), ("incident", "silence"), ("incident", "person"), ("expected", "exceedance"),
    ]  # fmt: skip
    assert sorted(kinds[4:]) == [("expected", "counts")] * 24 + [("expected", "silence")]
    assert all(0 <= at - happening.due <= 1 for at, happening in told)


def test_after_a_pause_readings_follow_and_old_frames_are_left_out() -> None:
    clock = TestClock()
    outlet = Kept(clock)
    paused = False

    def pause_once() -> None:
        nonlocal paused
        if not paused and clock.now() > START + 2_000:
            paused = True
            clock.time += 5_000

    outlet.on_pump = pause_once
    report = play(DEMO, "demo", 7, outlet=outlet, clock=clock, stop=threading.Event(), seconds=10)
    everything = list(stream(DEMO, 7, START, 10))
    assert [i for _, i in outlet.got if isinstance(i, Message)] == [i for i in everything if isinstance(i, Message)]
    frames = sum(isinstance(item, Shot) for item in everything)
    assert report.frames_skipped + sum(isinstance(item, Shot) for _, item in outlet.got) == frames
    assert 70 < report.frames_skipped < 90


def test_while_the_outlet_is_full_readings_wait() -> None:
    clock = TestClock()
    outlet = Kept(clock, full=True)

    def drain() -> None:
        outlet.full = clock.now() < START + 3_000

    outlet.on_pump = drain
    play(DEMO, "demo", 7, outlet=outlet, clock=clock, stop=threading.Event(), seconds=4)
    assert min(at for at, _ in outlet.got) >= START + 3_000
    messages = [item for _, item in outlet.got if isinstance(item, Message)]
    assert messages == [item for item in stream(DEMO, 7, START, 4) if isinstance(item, Message)]


def test_stop_ends_it_at_once_and_the_truth_counts_what_was_sent() -> None:
    clock = TestClock()
    stop = threading.Event()
    outlet = Kept(clock, on_pump=lambda: stop.set() if clock.now() > START + 1_000 else None)
    told: list[Happening] = []
    report = play(DEMO, "demo", 7, outlet=outlet, clock=clock, stop=stop, truth=told.append)
    assert 1.0 < report.seconds < 1.2
    counts = [happening.record for happening in told if happening.record["kind"] == "counts"]
    arrived = sum(int(str(record["arrived"])) for record in counts)
    assert len(counts) == 24 and 0 <= arrived - len(outlet.got) <= 1
