"""A small run of the fuzzing that `benchmarks/fuzz_hj212.py` does at length."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

BENCHMARK = Path(__file__).parents[3] / "benchmarks" / "fuzz_hj212.py"


@pytest.mark.parametrize("seed", [11, 12])
def test_mutated_frames_are_read_without_a_fault(seed: int) -> None:
    spec = importlib.util.spec_from_file_location("fuzz_hj212", BENCHMARK)
    assert spec is not None
    assert spec.loader is not None
    fuzz = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(fuzz)
    figures = fuzz.generated(600, seed)
    assert figures["cases"] == 600
    assert figures["frames"] > 300, "mutations that reach no reader test nothing"
    assert figures["slowest_case_ms"] < 5_000
