"""The writer brings every row of the journal to the store once, in order, whatever fails or restarts in between."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from gateway.channels import Channels
from gateway.config import Writer
from gateway.errors import StoreError
from gateway.records import Decoded, Readings
from gateway.stores.duckdb_store import DuckDbStore
from gateway.stores.errors import StoreBusy
from gateway.stores.held import Held
from gateway.stores.seam import Rejected, Series, Store, Written
from gateway.stores.writer import HELD_WRITES, StoreWriter

SETTINGS = Writer(batch_rows=10, linger_ms=0, backoff_max_s=0.001)
PATIENCE = 30.0


def decoded(first: int, end: int, rows_a_message: int = 3) -> Decoded:
    """Messages `first` to `end`; row k of message p is channel k at time p."""
    position = np.repeat(np.arange(first, end, dtype=np.int64), rows_a_message)
    row = np.tile(np.arange(rows_a_message, dtype=np.int32), end - first)
    flag = np.full(len(position), ord("N"), np.uint8)
    mark = np.zeros(len(position), np.uint8)
    return Decoded(first, end, 0, Readings(row, position, position, position + row / 10, flag, position, mark), [], [])


class FakeJournal:
    """Messages by position; some carry no rows. `split` decides how they come apart into blocks."""

    def __init__(self, seed: int = 0) -> None:
        self.random = random.Random(seed)
        self.end = 0
        self.start = 0
        self.replayed = 0

    def append(self, messages: int) -> Decoded:
        self.end += messages
        return self.block(self.end - messages, self.end)

    def block(self, first: int, end: int) -> Decoded:
        whole = decoded(first, end)
        return Decoded(first, end, 0, whole.readings.take(whole.readings.position % 5 != 4), [], [])

    def replay(self, position: int, most: int) -> list[Decoded]:
        self.replayed += 1
        position = max(position, self.start)
        blocks: list[Decoded] = []
        at = max(self.start, position - self.random.randrange(4))  # a block may begin before the position
        while at < min(self.end, position + min(most, 40)):
            until = min(self.end, max(position + 1, at + self.random.randrange(1, 12)))
            blocks.append(self.block(at, until))
            at = until
        return blocks

    def rows(self) -> set[tuple[int, int]]:
        return {(k, p) for p in range(self.end) if p % 5 != 4 for k in range(3)}


class FakeStore:
    """Holds points in a set, as strict as a store can be: what is written has to join on to what is stored."""

    def __init__(self) -> None:
        self.points: set[tuple[int, int]] = set()
        self.at = 0
        self.errors: list[Exception] = []
        """Raised by the next writes, one each."""
        self.fails: Callable[[], str] = lambda: ""
        """`before` or `after` the rows are stored, or not."""
        self.sizes: list[int] = []

    def position(self) -> int:
        return self.at

    def write(self, readings: Readings, end: int) -> Written:
        if self.errors:
            raise self.errors.pop(0)
        fails = self.fails()
        if fails == "before":
            raise StoreError("away")
        rows = set(zip(readings.channel.tolist(), readings.position.tolist(), strict=True))
        assert len(rows) == len(readings), "a row twice in one write"
        assert all(self.at <= p < end for _, p in rows), "rows beside the stretch that is written"
        new = rows - self.points
        self.points |= rows
        if fails == "after":
            raise StoreError("the answer was lost")
        self.at = end
        self.sizes += [len(rows)] if rows else []
        return Written(len(new), len(rows) - len(new))

    def query(self, key: object, start: int, end: int, limit: int) -> Series:
        raise NotImplementedError

    def close(self) -> None: ...


def no_rejected(rejected: list[Rejected]) -> None:
    raise AssertionError(rejected)


class Running:
    """A writer with its task, ended at the end of the block."""

    def __init__(self, store: Store, journal: FakeJournal, settings: Writer = SETTINGS) -> None:
        self.writer = StoreWriter(store, settings, journal.replay, no_rejected, clock=lambda: 77)

    async def __aenter__(self) -> StoreWriter:
        self.task = asyncio.create_task(self.writer.run())
        return self.writer

    async def __aexit__(self, *_: object) -> None:
        self.task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await self.task


async def drained(writer: StoreWriter) -> None:
    async with asyncio.timeout(PATIENCE):
        await writer.drain()


async def until(true: Callable[[], object]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not true():
            await asyncio.sleep(0.001)


async def test_what_is_offered_is_stored_in_order() -> None:
    journal, store = FakeJournal(), FakeStore()
    async with Running(store, journal) as writer:
        for _ in range(5):
            writer.offer(journal.append(4))
        await drained(writer)
        assert store.points == journal.rows()
        assert (writer.position, writer.rows, writer.duplicates, writer.retries, writer.away) == (20, 48, 0, 0, False)


async def test_offers_that_come_within_the_linger_share_a_write() -> None:
    journal, store = FakeJournal(), FakeStore()
    async with Running(store, journal, Writer(batch_rows=1_000, linger_ms=60_000)) as writer:
        for _ in range(10):
            writer.offer(journal.append(2))
            await asyncio.sleep(0)
        await drained(writer)  # which does not wait for the linger
        assert store.sizes == [48]


async def test_a_write_has_no_more_rows_than_the_setting_though_a_block_has() -> None:
    journal, store = FakeJournal(), FakeStore()
    async with Running(store, journal) as writer:
        writer.offer(journal.append(100))
        await drained(writer)
    assert store.points == journal.rows()
    assert max(store.sizes) <= SETTINGS.batch_rows + 2  # whole messages


async def test_a_message_with_more_rows_than_a_write_is_not_divided() -> None:
    journal, store = FakeJournal(), FakeStore()
    async with Running(store, journal, Writer(batch_rows=2, linger_ms=0)) as writer:
        writer.offer(journal.append(4))
        await drained(writer)
    assert store.sizes == [3, 3, 3, 3]


async def test_a_block_without_rows_moves_the_position() -> None:
    store = FakeStore()
    async with Running(store, FakeJournal()) as writer:
        writer.offer(decoded(0, 7, rows_a_message=0))
        await drained(writer)
    assert store.at == 7


async def test_a_start_catches_up_from_the_journal_without_an_offer() -> None:
    journal, store = FakeJournal(), FakeStore()
    journal.append(300)
    async with Running(store, journal) as writer:
        await until(lambda: writer.position == 300)
    assert store.points == journal.rows()


async def test_what_was_offered_before_is_not_written_again() -> None:
    journal, store = FakeJournal(), FakeStore()
    block = journal.append(30)
    async with Running(store, journal) as writer:
        writer.offer(block)
        await drained(writer)
    async with Running(store, journal) as writer:
        writer.offer(block)
        writer.offer(journal.append(3))
        await drained(writer)
        assert writer.duplicates == 0
    assert store.points == journal.rows()


async def test_memory_is_bounded_while_the_store_is_away_and_the_rest_is_read_again() -> None:
    journal, store = FakeJournal(), FakeStore()
    store.fails = lambda: "before"
    async with Running(store, journal) as writer:
        for _ in range(200):
            writer.offer(journal.append(3))
            await asyncio.sleep(0)
            assert writer._live.weight <= HELD_WRITES * SETTINGS.batch_rows + 10  # pyright: ignore[reportPrivateUsage]
        store.fails = lambda: ""
        await drained(writer)
    assert store.points == journal.rows()
    assert journal.replayed > 1


async def test_a_store_that_is_away_is_seen_with_its_reason_and_comes_back() -> None:
    journal, store = FakeJournal(), FakeStore()
    store.errors = [StoreError("connection refused"), StoreBusy("slow down", 0.005)]
    async with Running(store, journal) as writer:
        writer.offer(journal.append(2))
        await until(lambda: writer.away)
        assert (writer.reason, writer.since) == ("connection refused", 77)
        await drained(writer)
        assert (writer.away, writer.reason, writer.retries, writer.position) == (False, "", 2, 2)


async def test_rejected_rows_go_to_the_callback_once() -> None:
    class Refusing(FakeStore):
        def write(self, readings: Readings, end: int) -> Written:
            written = super().write(readings, end)
            return Written(written.rows - 1, 0, [Rejected(1, 2, b"line", "no")]) if len(readings) else written

    seen: list[Rejected] = []
    journal = FakeJournal()
    writer = StoreWriter(Refusing(), SETTINGS, journal.replay, seen.extend)
    task = asyncio.create_task(writer.run())
    writer.offer(journal.append(2))
    await drained(writer)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert [row.position for row in seen] == [1]
    assert (writer.rows, writer.rejected) == (5, 1)


async def test_what_is_refused_again_when_a_store_is_written_again_counts_once() -> None:
    class Refusing(FakeStore):
        def write(self, readings: Readings, end: int) -> Written:
            if len(readings):
                self.at = min(self.at, int(readings.position[0]))
            written = super().write(readings, end)
            anew = end == 5 and not seen[1:]
            refused = [Rejected(1, 2, b"line", "no")] if len(readings) else []
            return replace(written, rejected=refused, reconnected=anew or not seen)

    seen: list[Rejected] = []
    journal = FakeJournal()
    writer = StoreWriter(Refusing(), SETTINGS, journal.replay, seen.extend)
    task = asyncio.create_task(writer.run())
    for messages in (2, 3):
        writer.offer(journal.append(messages))
        await drained(writer)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert len(seen) == 3, "once in each write: the dead letters are told of it again, and know that it is the same"
    assert writer.rejected == 2


async def test_a_gap_in_the_journal_is_counted_and_does_not_stall() -> None:
    journal, store = FakeJournal(), FakeStore()
    journal.append(50)
    journal.start = 20
    store.at = 5
    async with Running(store, journal) as writer:
        writer.offer(journal.append(1))
        await drained(writer)
        assert writer.skipped == 15
    assert store.points == {(k, p) for k, p in journal.rows() if p >= 20}


async def test_what_lingers_is_written_when_stopped() -> None:
    journal, store = FakeJournal(), FakeStore()
    async with Running(store, journal, Writer(batch_rows=8, linger_ms=60_000)) as writer:
        await asyncio.sleep(0.001)
        writer.offer(journal.append(2))
        await asyncio.sleep(0.001)
    assert store.points == journal.rows()
    assert writer.position == 2


async def test_a_stop_does_not_wait_for_a_store_that_is_away() -> None:
    journal, store = FakeJournal(), FakeStore()
    store.fails = lambda: "before"
    async with asyncio.timeout(PATIENCE):
        async with Running(store, journal, Writer(batch_rows=8, linger_ms=0, backoff_max_s=3_600)) as writer:
            writer.offer(journal.append(2))
            await until(lambda: writer.away)
    assert writer.position == 0


async def test_a_mistake_in_the_store_is_not_taken_for_an_outage() -> None:
    journal, store = FakeJournal(), FakeStore()
    store.errors = [ZeroDivisionError()]
    writer = StoreWriter(store, SETTINGS, journal.replay, no_rejected)
    writer.offer(journal.append(2))
    with pytest.raises(ZeroDivisionError):
        await writer.run()


async def ordeal(seed: int, store: Store, heal: Callable[[], None], reopen: Callable[[], Store]) -> FakeJournal:
    """Offers, outages and restarts at random; in the end everything is offered, the store healed, all drained."""
    chance = random.Random(seed)
    journal = FakeJournal(seed)
    left = 60
    while left > 0:
        ingest = chance.randint(0, journal.end)  # where ingest goes on after the restart: before or after the store
        async with Running(store, journal) as writer:
            while ingest < journal.end:
                until = min(journal.end, ingest + chance.randrange(1, 20))
                writer.offer(journal.block(ingest, until))
                ingest = until
            for _ in range(chance.randrange(1, 25)):
                left -= 1
                block = journal.append(chance.randrange(1, 9))
                if chance.random() < 0.95:  # what is not offered is found in the journal
                    writer.offer(block)
                for _ in range(chance.randrange(3)):
                    await asyncio.sleep(0 if chance.random() < 0.8 else 0.001)
            if left <= 0:
                heal()
                writer.offer(journal.append(1))
                await drained(writer)
                assert writer.position == journal.end
        if chance.random() < 0.5:
            store = reopen()
    return journal


@pytest.mark.parametrize("seed", range(25))
async def test_every_row_is_stored_once_over_outages_and_restarts(seed: int) -> None:
    store = FakeStore()
    chance = random.Random(seed)
    store.fails = lambda: chance.choices(["", "before", "after"], [6, 3, 1])[0]

    def heal() -> None:
        store.fails = lambda: ""

    journal = await ordeal(seed, store, heal, lambda: store)
    assert store.points == journal.rows()


class Forgetful(FakeStore):
    """Comes back from an outage without the last rows that it had taken, as an InfluxDB does that was killed."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        self.random = random.Random(f"forgetful {seed}")
        self.sound = False
        self.forgot = 0
        self.anew = True

    def position(self) -> int:
        self.anew = True  # whoever asks has just started, and has no connection yet
        return super().position()

    def write(self, readings: Readings, end: int) -> Written:
        if not self.sound and self.random.random() < 0.2:
            keep = self.at - self.random.randrange(60)
            lost = {point for point in self.points if point[1] >= keep}
            self.forgot += len(lost)
            self.points -= lost
            self.anew = True
            raise StoreError("connection refused")
        if len(readings):
            self.at = min(self.at, int(readings.position[0]))
        written = super().write(readings, end)
        anew, self.anew = self.anew, False
        return replace(written, reconnected=anew)


@pytest.mark.parametrize("seed", range(25))
async def test_what_a_store_took_and_lost_is_written_again(seed: int) -> None:
    store = Forgetful(seed)

    def heal() -> None:
        store.sound = True

    journal = await ordeal(seed, store, heal, lambda: store)
    assert store.points == journal.rows()
    assert store.forgot > 0


async def test_points_that_were_lost_are_counted_apart_and_the_journal_is_kept_for_them() -> None:
    journal, store = FakeJournal(), Forgetful(0)
    store.sound = True
    async with Running(store, journal) as writer:
        writer.offer(journal.append(100))
        await drained(writer)
        assert (writer.position, writer.needed) == (100, 0)
        assert (writer.rows, writer.duplicates, writer.restored) == (240, 0, 0)
        store.points = {point for point in store.points if point[1] < 50}
        store.anew = True
        await drained(writer)  # which finds the store anew, with nothing to write
        assert store.points == journal.rows()
        assert (writer.rows, writer.duplicates, writer.restored) == (240, 0, 120)


@pytest.mark.parametrize("seed", range(3))
async def test_every_row_is_in_duckdb_once_over_restarts(seed: int, tmp_path: Path, channels: Channels) -> None:
    file = tmp_path / "readings.duckdb"
    stores = [DuckDbStore(file, channels)]

    def reopen() -> Store:
        stores[-1].close()
        stores.append(DuckDbStore(file, channels))
        return stores[-1]

    journal = await ordeal(seed, stores[0], lambda: None, reopen)
    rows = [stores[-1].query(channels.keys[k], 0, journal.end, 1_000_000).time.tolist() for k in range(3)]
    stores[-1].close()
    assert [(k, p) for k in range(3) for p in rows[k]] == sorted(journal.rows())


def test_held_gives_each_row_once_however_stretches_overlap() -> None:
    held = Held()
    held.put(decoded(0, 4))
    held.put(decoded(2, 7))
    held.put(decoded(7, 9, rows_a_message=0))
    assert held.weight == 21 + 3
    taken: list[int] = []
    cuts: list[int] = []
    at = 1
    while at < held.end:
        readings, at = held.take(at, 4, until=5)
        taken += readings.position.tolist()
        cuts.append(at)
    assert 5 in cuts, "not taken beyond it at once"
    assert taken == [p for p in range(1, 7) for _ in range(3)]
    assert held.weight == 0
