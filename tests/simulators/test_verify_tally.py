"""The reckoning of arrivals against a plain one."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from simulators.verify.tally import Arrivals, Tally

DEVICES = 3
PAIRS = st.lists(st.tuples(st.integers(-1, DEVICES), st.integers(-1, 9_000) | st.integers(0, 6)), max_size=40)


def arrivals(pairs: list[tuple[int, int]]) -> Arrivals:
    device = np.array([pair[0] for pair in pairs], np.int64)
    sequence = np.array([pair[1] for pair in pairs], np.int64)
    sent = sequence * 1000
    return Arrivals(device, sequence, sent, sent + 250)


@given(st.lists(PAIRS, max_size=4), st.integers(0, 40_000))
def test_it_counts_what_a_plain_reckoning_counts(batches: list[list[tuple[int, int]]], sent: int) -> None:
    tally = Tally(DEVICES)
    seen: set[tuple[int, int]] = set()
    newest = dict.fromkeys(range(DEVICES), -1)
    duplicated = behind = strangers = 0
    for batch in batches:
        tally.add(arrivals(batch))
        for device, sequence in batch:
            if not 0 <= device < DEVICES or sequence < 0:
                strangers += 1
            elif (device, sequence) in seen:
                duplicated += 1
            else:
                seen.add((device, sequence))
                behind += sequence < newest[device]
                newest[device] = max(newest[device], sequence)
    assert (tally.received, tally.duplicated, tally.out_of_order, tally.strangers) == (
        len(seen),
        duplicated,
        behind,
        strangers,
    )
    were_sent = {(k % DEVICES, k // DEVICES) for k in range(sent)}
    assert tally.lost(sent) == len(were_sent - seen)
    assert tally.latency.count == len(seen)


def test_latency_is_from_sent_to_received() -> None:
    tally = Tally(1)
    tally.add(arrivals([(0, 0), (0, 1)]))
    assert (tally.latency.percentile(50), tally.latency.percentile(100)) == (0.25, 0.25)
