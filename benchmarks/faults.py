"""Fault runs: gateway, broker and database killed with -9 again and again under load; what was lost or came twice.

    python benchmarks/faults.py --seeds 100 --json faults.json

Every run is reckoned from the publisher's acknowledgements, the gateway's journal and the store: `tests/fault_runs.py`.
What a killed broker had acknowledged and never passed on is the broker's loss and counted apart. Status 1 where the
gateway lost a message, stored a point twice or told another history of its alerts.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import shutil
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[1]), str(Path(__file__).parents[1] / "tests")]

from fault_runs import KINDS, History, Kind, LinkKind, Outcome, link_of, run, undisturbed  # noqa: E402


async def main(kinds: list[Kind], seeds: int, first: int, parallel: int, folder: Path) -> list[Outcome]:
    """All runs, `parallel` at a time; each is printed as it ends."""
    calm: dict[LinkKind, History] = {}
    for link in sorted({link_of(kind, seed) for kind in kinds for seed in range(first, first + seeds)}):
        calm[link] = await undisturbed(folder / f"calm-{link}", link)
    room = asyncio.Semaphore(parallel)

    async def one(kind: Kind, seed: int) -> Outcome:
        async with room:
            here = folder / f"{kind}-{seed}"
            outcome = await run(kind, seed, here, calm[link_of(kind, seed)])
        print(line(outcome), flush=True)
        if not outcome.bad:  # what went wrong is left to be looked at
            shutil.rmtree(here)
        return outcome

    jobs = [one(kind, seed) for seed in range(first, first + seeds) for kind in kinds]
    return list(await asyncio.gather(*jobs))


def line(outcome: Outcome) -> str:
    return (
        f"{outcome.kind:8} seed {outcome.seed:3} {outcome.link:7} {outcome.kills} kills: "
        f"{outcome.published} published, {outcome.lost} lost, {outcome.duplicated} duplicated, "
        f"broker lost {outcome.broker_lost}, "
        f"history {'DIFFERS' if outcome.differs else 'same'}, {outcome.seconds:.1f} s"
    )


def summary(outcomes: Iterable[Outcome]) -> dict[str, int]:
    outcomes = list(outcomes)
    return {
        "runs": len(outcomes),
        "published": sum(each.published for each in outcomes),
        "lost": sum(each.lost for each in outcomes),
        "duplicated": sum(each.duplicated for each in outcomes),
        "alert_histories_differ": sum(each.differs for each in outcomes),
        "broker_lost": sum(each.broker_lost for each in outcomes),
        "kills": sum(each.kills for each in outcomes),
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=100, help="runs of each kind")
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--kinds", default=",".join(KINDS), help="what is killed: gateway,broker,database")
    parser.add_argument("--parallel", type=int, default=2, help="runs at once; most of a run is waiting")
    parser.add_argument("--json", type=Path, help="file for the figures")
    options = parser.parse_args()
    chosen: list[Kind] = [kind for kind in KINDS if kind in options.kinds.split(",")]
    began = time.monotonic()
    place = Path(tempfile.mkdtemp(prefix="faults-"))
    outcomes = asyncio.run(main(chosen, options.seeds, options.first, options.parallel, place))
    by_kind: dict[str, list[Outcome]] = defaultdict(list)
    for each in outcomes:
        by_kind[each.kind].append(each)
    figures: dict[str, object] = {**summary(outcomes), "seconds": round(time.monotonic() - began, 1)}
    figures["by_kind"] = {kind: summary(some) for kind, some in by_kind.items()}
    figures["bad"] = [line(each) for each in outcomes if each.bad]
    for name, value in figures.items():
        print(f"{name}: {value}")
    if options.json is not None:
        options.json.write_text(json.dumps(figures, indent=1) + "\n", "utf-8")
    if not figures["bad"]:
        shutil.rmtree(place)
    raise SystemExit(1 if figures["bad"] else 0)
