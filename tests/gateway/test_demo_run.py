"""`gateway demo` as a person runs it: the incidents of the first half minute, the page meanwhile, a clean end."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from gateway.alerts.ledger import Ledger
from gateway.alerts.records import Family

LAST_LINE = re.compile(
    r"readings=(?P<readings>\d+) frames=(?P<frames>\d+) alerts_fired=(?P<fired>\d+) "
    r"alerts_resolved=(?P<resolved>\d+) dead_letters=(?P<dead>\d+) lost=(?P<lost>\d+)"
)
START_S = 40.0
END_S = 40.0
"""How long the demo may take to end, on a busy machine."""


class Demo:
    """A demo without a terminal, its output in a file."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        self.kept = folder / "kept"
        self._output = folder / "output.txt"
        with self._output.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "gateway", "demo", "--port", "0", "--keep", str(self.kept), *arguments],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env={**os.environ, "PYTHONUNBUFFERED": "1"},
            )
        self.children: set[psutil.Process] = set()
        """Every process that it was seen to have."""

    def output(self) -> str:
        return self._output.read_text("utf-8")

    def wait_for(self, pattern: str, seconds: float = START_S) -> re.Match[str]:
        """Wait until the output has a line with this pattern."""
        deadline = time.monotonic() + seconds
        while (found := re.search(pattern, self.output(), flags=re.MULTILINE)) is None:
            assert self.process.poll() is None, f"it has ended:\n{self.output()}"
            assert time.monotonic() < deadline, f"no {pattern!r} in:\n{self.output()}"
            self.children.update(psutil.Process(self.process.pid).children(recursive=True))
            time.sleep(0.1)
        return found

    def ended(self, seconds: float = END_S) -> re.Match[str]:
        """Wait for its end; status 0, nothing left behind. Returns the last line."""
        assert self.process.wait(seconds) == 0, self.output()
        _, left = psutil.wait_procs(self.children, timeout=5)
        assert left == []
        assert "Traceback" not in self.output()
        last = LAST_LINE.fullmatch(self.output().splitlines()[-1])
        assert last is not None, self.output()
        return last


@contextmanager
def demo(folder: Path, *arguments: str) -> Generator[Demo]:
    run = Demo(folder, *arguments)
    try:
        yield run
    finally:
        if run.process.poll() is None:
            run.process.kill()
            run.process.wait()


def fetch(url: str) -> tuple[int, bytes]:
    with urllib.request.urlopen(url, timeout=20) as answer:
        return answer.status, answer.read()


@pytest.mark.timeout(150)
def test_thirty_seconds_show_an_exceedance_that_ends_a_silence_and_a_person_and_lose_nothing(tmp_path: Path) -> None:
    with demo(tmp_path, "--seconds", "30", "--seed", "7") as run:
        url = run.wait_for(r"page at (http://127\.0\.0\.1:\d+)")[1]
        run.wait_for(r"^ +5 s  .* messages/s")
        status, page = fetch(url)
        assert (status, b"<html" in page) == (200, True)
        assert fetch(f"{url}/readyz")[0] == 200
        assert fetch(f"{url}/api/v1/sites")[1].count(b'"latitude"') >= 3
        end = run.ended(30 + END_S)
    assert int(end["lost"]) == 0
    assert int(end["dead"]) == 0
    assert int(end["fired"]) >= 3
    assert int(end["resolved"]) >= 1
    assert int(end["readings"]) > 2_000
    assert int(end["frames"]) > 300
    assert re.search(r"s  firing    .+", run.output()), "alerts are told as they come"

    with Ledger.reader(run.kept / "state.sqlite") as ledger:
        alerts = [alert for alert in ledger.alerts(limit=100) if alert.fired]
        found = {(alert.subject.family, alert.subject.id): alert for alert in alerts}
        exceedance = found[Family.EXCEEDANCE, "stack-2"]
        assert [step.step.value for step in ledger.history(exceedance.id)] == ["pending", "fired", "resolved"]
        assert all(each.startswith("journal:") for each in exceedance.evidence)
        assert found[Family.DATA_QUALITY, "basin-2"].resolved == 0, "it falls silent for good"
        person = found[Family.SECURITY, "yard"]
        (picture, *_) = [each.removeprefix("frame:") for each in person.evidence if each.startswith("frame:")]
        assert next((run.kept / "evidence").rglob(f"{picture}.jpg")).read_bytes().startswith(b"\xff\xd8")
    assert len(run.children) >= 3, "broker, simulators and a frame worker were seen, so their end was too"


@pytest.mark.timeout(120)
def test_ctrl_c_ends_it_cleanly_with_its_accounts_and_leaves_no_process(tmp_path: Path) -> None:
    with demo(tmp_path) as run:
        run.wait_for(r"[1-9]\d* readings/s")
        run.process.send_signal(signal.SIGINT)
        end = run.ended()
    assert int(end["lost"]) == 0
    assert int(end["readings"]) > 0
    assert len(run.children) >= 3
