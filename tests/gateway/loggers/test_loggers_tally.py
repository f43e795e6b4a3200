"""What is counted of each device: frames, verdicts with examples, the newest frame; the worst loggers first."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest
import small_city
from hypothesis import given
from hypothesis import strategies as st
from logger_frames import HOUR, MINUTE, NEVER, NOW, decoded, frame, head

from gateway.config import Hj212
from gateway.hj212.verdicts import Verdict, words_of
from gateway.inventory import Device, Hj212Device, Inventory
from gateway.loggers import kinds
from gateway.loggers.loggers import Loggers
from gateway.loggers.tally import COMMANDS_KEPT
from gateway.loggers.views import LoggerView
from gateway.loggers.words import OTHER, Words
from gateway.records import LoggerFrame

CRC, QN = Verdict.CRC_LOWER_CASE, Verdict.QN_MISSING


def loggers(devices: int = 3, settings: Hj212 | None = None) -> Loggers:
    return Loggers(small_city.inventory(devices), settings or Hj212())


def view(of: Loggers, device: int = 0) -> LoggerView:
    (found,) = of.views([device])
    return found


def counts(of: LoggerView) -> dict[str, int]:
    return {each.word: each.frames for each in of.verdicts}


def test_a_device_that_sent_no_frame_is_not_shown() -> None:
    some = loggers()
    some.step(decoded(frame(head(1))))
    assert [each.device for each in some.views([0, 1, 2])] == [1]
    assert some.worst_first() == [1]


def test_frames_are_counted_by_command_and_verdict() -> None:
    some = loggers()
    some.step(decoded(frame(head()), frame(head(), NOW + 1, verdicts=CRC), frame(head(cn="2051"), verdicts=CRC | QN)))
    found = view(some)
    assert (found.frames, found.marked, found.share) == (3, 2, 2 / 3)
    assert found.commands == {"2011": 2, "2051": 1}
    assert counts(found) == {"crc_lower_case": 2, "qn_missing": 1}


def test_a_verdict_says_when_it_was_last_seen_and_in_which_message() -> None:
    some = loggers()
    some.step(decoded(frame(head(), verdicts=CRC), received=NOW, first=100))
    some.step(decoded(frame(head(), NOW + 1), frame(head(), NOW + 2, verdicts=CRC), received=NOW + 5, first=200))
    some.step(decoded(frame(head(), NOW + 3), received=NOW + 9, first=300))
    (verdict,) = view(some).verdicts
    assert (verdict.last, verdict.example) == (NOW + 5, 201)


def test_the_first_frame_stays_and_the_newest_is_shown_whole() -> None:
    some = loggers()
    some.step(decoded(frame(head(), NOW - MINUTE), frame(head(), NOW), received=NOW + 7))
    last = frame(head(cn="2061", edition="2025", st="32", flag=9), NOW - HOUR, qn=b"20260501160000123", encrypted=True)
    some.step(decoded(last._replace(verdicts=int(CRC)), received=NOW + 99, first=40, link="tcp"))
    found = view(some)
    assert (found.first_time, found.first_received) == (NOW - MINUTE, NOW + 7)
    assert (found.edition, found.st) == ("2025", "32")
    newest = found.last
    assert (newest.received, newest.time, newest.position) == (NOW + 99, NOW - HOUR, 40)
    assert (newest.cn, newest.qn, newest.link) == ("2061", "20260501160000123", "tcp")
    assert (newest.encrypted, newest.taken, words_of(newest.verdicts)) == (True, True, ["crc_lower_case"])


def test_quarantined_back_filled_and_encrypted_frames_are_counted() -> None:
    some = loggers()
    some.step(
        decoded(
            frame(head(), verdicts=Verdict.CRC_WRONG, taken=False),
            frame(head(edition="2025", rf=True), NOW + 1, encrypted=True),
            frame(head(edition="2025"), NOW + 2, encrypted=True),
        )
    )
    found = view(some)
    assert (found.quarantined, found.back_filled, found.encrypted) == (1, 1, 2)


def test_a_configured_edition_is_told_from_a_recognised_one() -> None:
    small = small_city.inventory(2)
    configured = replace(small.devices[1], hj212=Hj212Device(edition="2017"))
    some = Loggers(replace_devices(small, (small.devices[0], configured)), Hj212())
    some.step(decoded(frame(head(0)), frame(head(1))))
    assert [found.configured for found in some.views([0, 1])] == [False, True]


def replace_devices(of: Inventory, devices: tuple[Device, ...]) -> Inventory:
    return Inventory(of.sites, devices, of.cameras, ())


def test_frames_of_no_device_count_in_the_totals_only() -> None:
    some = loggers()
    some.step(decoded(frame(head(-1), verdicts=CRC), frame(head(0), verdicts=QN)))
    totals = some.totals()
    assert totals.frames == 2
    assert {word: n for word, n in totals.verdicts.items() if n} == {"crc_lower_case": 1, "qn_missing": 1}
    assert some.worst_first() == [0]


def test_the_worst_logger_is_first() -> None:
    some = loggers(4)
    for device, (good, bad) in enumerate([(9, 1), (1, 1), (0, 3), (5, 5)]):
        for n in range(good + bad):
            some.step(decoded(frame(head(device), NOW + n, verdicts=CRC if n < bad else 0)))
    assert some.worst_first() == [2, 3, 1, 0], "by share; where shares are equal, by number of frames"


def test_commands_beyond_the_bound_are_counted_together() -> None:
    some = loggers()
    some.step(decoded(*(frame(head(cn=f"{7000 + n}"), NOW + n) for n in range(COMMANDS_KEPT + 20))))
    commands = view(some).commands
    assert commands[OTHER] == 20
    assert sum(commands.values()) == COMMANDS_KEPT + 20


def test_words_are_bounded_in_number_and_length() -> None:
    words = Words()
    for n in range(10_000):
        words.number(f"strange-{n}")
    assert len(words.all) == 4_096
    assert words[words.number("one more")] == OTHER
    assert words[Words().number("")] == ""


step_frames = st.lists(
    st.tuples(
        st.integers(-1, 2),  # device
        st.sampled_from(["2011", "2051", "9015"]),
        st.sampled_from([0, int(CRC), int(QN), int(CRC | QN | Verdict.SET_INCOMPLETE)]),
        st.booleans(),  # taken
    ),
    max_size=12,
)


@given(blocks=st.lists(step_frames, max_size=8), looks=st.sets(st.integers(0, 8)), saves=st.sets(st.integers(0, 8)))
def test_counts_are_those_of_a_plain_loop_whenever_looked_at_or_saved(
    blocks: list[list[tuple[int, str, int, bool]]], looks: set[int], saves: set[int]
) -> None:
    some, position = loggers(), 0
    plain: Counter[tuple[object, ...]] = Counter()
    newest: dict[int, int] = {}
    for at, block in enumerate(blocks):
        frames: list[LoggerFrame] = []
        for device, cn, verdicts, taken in block:
            frames.append(frame(head(device, cn), NOW + position + len(frames), verdicts=verdicts, taken=taken))
            plain.update([(device, "frames"), (device, cn)])
            plain.update((device, word) for word in words_of(verdicts))
            plain.update([(device, "marked")] if verdicts else [])
            plain.update([] if taken else [(device, "quarantined")])
            newest[device] = position + len(frames) - 1
        some.step(decoded(*frames, first=position, received=NOW + at))
        position += len(frames)
        if at in looks:
            some.views(range(3))
        if at in saves:
            saved = some.dump()
            some = loggers()
            some.load(saved)
    for found in some.views(range(3)):
        expected = Counter({key: n for (device, key), n in plain.items() if device == found.device})
        shown = Counter({"frames": found.frames, "marked": found.marked, "quarantined": found.quarantined})
        assert +(shown + Counter(found.commands) + Counter(counts(found))) == expected
        assert found.last.position == newest[found.device]
    assert some.totals().frames == sum(n for (_, key), n in plain.items() if key == "frames")


def test_state_goes_with_a_device_when_the_inventory_changes() -> None:
    some = loggers(3)
    some.step(decoded(frame(head(2, "2051"), NOW - HOUR, verdicts=CRC), frame(head(0), verdicts=QN)))
    some.step(decoded(frame(head(2, "2051"), NOW - 30 * MINUTE), first=2))
    saved = some.dump()
    small = small_city.inventory(3)
    turned = replace_devices(small, (small.devices[2], small.devices[1]))
    again = Loggers(turned, Hj212())
    again.load(saved)
    (found,) = again.views([0, 1])
    assert (found.device, found.frames, counts(found)) == (0, 2, {"crc_lower_case": 1})
    assert (found.last.cn, found.last.link, found.last.time) == ("2051", "plant", NOW - 30 * MINUTE)
    assert [(gap.period, gap.start, gap.end) for gap in again.gaps(0)] == [
        ("minute", NOW - 50 * MINUTE, NOW - 30 * MINUTE)
    ]


def test_a_header_that_is_never_the_same_does_not_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kinds, "KEPT", 50)
    some = loggers()
    largest = 0
    for n in range(40):
        some.step(decoded(*(frame(head(0, cn=f"c{n}-{k}"), NOW + 10 * n + k, verdicts=CRC) for k in range(10))))
        largest = max(largest, len(some._kinds))
    assert largest == 50
    assert view(some).frames == 400
    assert counts(view(some)) == {"crc_lower_case": 400}


def test_messages_without_a_time_show_none() -> None:
    some = loggers()
    some.step(decoded(frame(head(cn="9015"), NEVER, qn=b"20260501160000123")))
    assert view(some).last.time == NEVER
