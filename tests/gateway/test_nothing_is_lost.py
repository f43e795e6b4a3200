"""Nothing is lost, whatever is killed under load: ten seeds of each kind of fault run.

`benchmarks/faults.py` makes the same runs with as many seeds as one likes.
"""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

import pytest
from fault_runs import KINDS, History, Kind, LinkKind, link_of, run, undisturbed

SEEDS = 10
AT_ONCE = 3
"""Each run has a broker, a database and a gateway of its own, and mostly waits."""


@pytest.fixture(scope="module")
def calm(tmp_path_factory: pytest.TempPathFactory) -> dict[LinkKind, History]:
    """The alerts' histories of runs in which nothing happens, by link."""
    folder = tmp_path_factory.mktemp("calm")
    links: tuple[LinkKind, ...] = ("mqtt5", "mqtt311", "hj212")

    async def all_links() -> list[History]:
        return await asyncio.gather(*(undisturbed(folder / link, link) for link in links))

    return dict(zip(links, asyncio.run(all_links()), strict=True))


@pytest.mark.timeout(240)
@pytest.mark.parametrize("kind", KINDS)
async def test_nothing_taken_is_lost_or_comes_twice(
    kind: Kind, tmp_path: Path, calm: dict[LinkKind, History], record_property: pytest.RecordProperty
) -> None:
    room = asyncio.Semaphore(AT_ONCE)

    async def one(seed: int) -> int:
        async with room:
            outcome = await run(kind, seed, tmp_path / str(seed), calm[link_of(kind, seed)])
        assert not outcome.bad, outcome
        shutil.rmtree(tmp_path / str(seed))
        return outcome.broker_lost

    async with asyncio.TaskGroup() as runs:
        found = [runs.create_task(one(seed)) for seed in range(SEEDS)]
    record_property("broker_lost", sum(task.result() for task in found))
