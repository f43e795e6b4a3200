"""The journal: what `append` returned from survives, in order, whatever is cut off or flipped afterwards."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.config import Journal as Settings
from gateway.errors import JournalError, JournalFull
from gateway.journal import format as blocks
from gateway.journal.journal import Journal
from gateway.journal.verify import verify
from gateway.records import Batch, Block

SETTINGS = Settings(max_mib=16, segment_mib=1)


def batch(*payloads: bytes, link: str = "city", received: int = 1) -> Batch:
    return Batch(link, received, [f"t/{n}" for n in range(len(payloads))], list(payloads), {}, lambda: None)


def payloads(found: list[Block]) -> list[bytes]:
    return [payload for block in found for payload in block.payloads]


async def test_what_is_appended_is_read_back_in_order_after_reopening(tmp_path: Path) -> None:
    async with Journal(tmp_path, SETTINGS) as journal:
        made = await journal.append([batch(b"a", b"b"), batch(link="frames only"), batch(b"c", received=9)])
        assert [(block.first, block.end, block.received) for block in made] == [(0, 2, 1), (2, 3, 9)]
        assert journal.syncs == 1, "batches that wait together share one sync"
    async with Journal(tmp_path, SETTINGS) as journal:
        assert journal.end == 3
        await journal.append([batch(b"d")])
        assert payloads(journal.reader(0).read(100)) == [b"a", b"b", b"c", b"d"]
        assert payloads(journal.reader(2).read(100)) == [b"c", b"d"]
        assert journal.reader(4).read(100) == []


async def test_a_reader_follows_the_writer_across_segments(tmp_path: Path) -> None:
    async with Journal(tmp_path, SETTINGS) as journal:
        reader = journal.reader(0)
        wanted: list[bytes] = []
        seen: list[bytes] = []
        for n in range(40):
            wanted += [bytes([n]) * 100_000, b"%d" % n]
            await journal.append([batch(*wanted[-2:])])
            if n % 7 == 0:
                seen += payloads(reader.read(3))
        while found := reader.read(5):
            seen += payloads(found)
        assert len(journal.segments) > 3
        assert seen == wanted
        assert not reader.damage


async def test_released_segments_go_and_the_rest_stays(tmp_path: Path) -> None:
    async with Journal(tmp_path, SETTINGS) as journal:
        for _ in range(6):
            await journal.append([batch(bytes(600_000))])
        assert len(journal.segments) == 4
        assert journal.release(3) == 1
        assert journal.start == 2
        assert [block.first for block in journal.reader(3).read(10)] == [3, 4, 5]


async def test_at_its_bound_it_refuses_and_goes_on_after_a_release(tmp_path: Path) -> None:
    async with Journal(tmp_path, SETTINGS) as journal:
        for _ in range(15):
            await journal.append([batch(bytes(1_048_576))])
        with pytest.raises(JournalFull, match="max_mib"):
            await journal.append([batch(bytes(1_048_576))])
        assert journal.end == 15
        journal.release(10)
        assert [block.first for block in await journal.append([batch(b"x")])] == [15]


@pytest.mark.parametrize("call", ["write", "fdatasync"])
async def test_a_full_disk_writes_nothing_and_mends_itself(
    tmp_path: Path, call: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with Journal(tmp_path, SETTINGS) as journal:
        await journal.append([batch(b"before")])

        real_write = os.write

        def full(descriptor: int, data: bytes = b"") -> int:
            if call == "write" and len(data) > 20:
                return real_write(descriptor, data[:20])  # part of it fits, then
            raise OSError(errno.ENOSPC, "No space left on device")

        with monkeypatch.context() as patch:
            patch.setattr(os, call, full)
            with pytest.raises(JournalError, match="the disk is full"):
                await journal.append([batch(b"lost?")])
        await journal.append([batch(b"after")])
        assert payloads(journal.reader(0).read(10)) == [b"before", b"after"]
    assert verify(tmp_path).sound


async def test_a_second_gateway_on_the_same_journal_is_refused(tmp_path: Path) -> None:
    async with Journal(tmp_path, SETTINGS):
        with pytest.raises(JournalError, match="another gateway"):
            Journal(tmp_path, SETTINGS)


async def test_numbering_never_falls_behind_what_readers_committed(tmp_path: Path) -> None:
    async with Journal(tmp_path, SETTINGS) as journal:
        await journal.append([batch(b"a")])
    for file in tmp_path.glob("*.journal"):
        file.unlink()
    async with Journal(tmp_path, SETTINGS, at_least=700) as journal:
        assert [block.first for block in await journal.append([batch(b"b")])] == [700]
        assert payloads(journal.reader(1).read(10)) == [b"b"]


@settings(max_examples=60, deadline=None)
@given(cut=st.integers(0, 400), garbage=st.binary(max_size=80))
async def test_a_torn_tail_is_cut_and_everything_before_it_kept(
    tmp_path_factory: pytest.TempPathFactory, cut: int, garbage: bytes
) -> None:
    folder = tmp_path_factory.mktemp("torn")
    async with Journal(folder, SETTINGS) as journal:
        for n in range(5):
            await journal.append([batch(b"%d" % n * 20)])
        size = journal.size
    file = next(folder.glob("*.journal"))
    whole = file.read_bytes()
    keep = max(0, size - cut)
    file.write_bytes(whole[:keep] + garbage)
    kept = [p for p, end in ((b"%d" % n * 20, size // 5 * (n + 1)) for n in range(5)) if end <= keep]
    async with Journal(folder, SETTINGS) as journal:
        assert payloads(journal.reader(0).read(100))[: len(kept)] == kept
        await journal.append([batch(b"next")])
        assert payloads(journal.reader(0).read(100))[-1] == b"next"
    assert verify(folder).sound


@settings(max_examples=60, deadline=None)
@given(at=st.integers(0, 10_000), bit=st.integers(0, 7))
async def test_a_flipped_bit_costs_its_block_only_and_is_reported(
    tmp_path_factory: pytest.TempPathFactory, at: int, bit: int
) -> None:
    folder = tmp_path_factory.mktemp("flip")
    async with Journal(folder, SETTINGS) as journal:
        for n in range(6):
            await journal.append([batch(b"%d" % n * 20)])
        size = journal.size // 6
        file = next(folder.glob("*.journal"))
        data = bytearray(file.read_bytes())
        at %= size * 5  # of the last block only a new start knows: see below
        data[at] ^= 1 << bit
        file.write_bytes(data)
        reader = journal.reader(0)
        broken = at // size
        found = payloads(reader.read(100))
        assert found == [b"%d" % n * 20 for n in range(6) if n != broken]
        assert [(each.start, each.position, each.messages) for each in reader.damage] == [(broken * size, broken, 1)]
        assert len(payloads(journal.reader(0).read(100))) == 5
        assert (journal.quarantine.messages, journal.quarantine.look()) == (1, 1), "two readers, one damage"
        kept = folder / "quarantine" / f"{file.stem}-{broken * size}.damaged"
        assert kept.read_bytes() == data[broken * size : (broken + 1) * size]
    report = verify(folder)
    assert not report.sound
    assert [each.messages for each in report.damage] == [1]
    async with Journal(folder, SETTINGS) as journal:
        assert journal.quarantine.look() == 1
        kept.unlink()
        assert journal.quarantine.look() == 0


async def test_a_flipped_bit_in_the_last_block_is_damage_and_no_torn_write(tmp_path: Path) -> None:
    async with Journal(tmp_path, SETTINGS) as journal:
        await journal.append([batch(b"first")])
        size = journal.size
        await journal.append([batch(b"last")])
    file = next(tmp_path.glob("*.journal"))
    data = bytearray(file.read_bytes())
    data[-1] ^= 1
    file.write_bytes(data)
    async with Journal(tmp_path, SETTINGS) as journal:
        assert journal.quarantine.look() == 1
        assert (tmp_path / "quarantine" / f"{file.stem}-{size}.damaged").read_bytes() == data[size:]
        await journal.append([batch(b"next")])
        assert payloads(journal.reader(0).read(9)) == [b"first", b"next"]


async def test_damage_up_to_the_end_of_a_segment_leaves_the_next_one_whole(tmp_path: Path) -> None:
    async with Journal(tmp_path, SETTINGS) as journal:
        await journal.append([batch(b"x" * (1 << 20))])  # fills the first segment
        await journal.append([batch(b"y")])
        first = journal.segments[0].path
        first.write_bytes(b"\0" * first.stat().st_size)
        reader = journal.reader(0)
        assert payloads(reader.read(9)) == [b"y"]
        assert [(each.position, each.messages) for each in reader.damage] == [(0, 1)]


@settings(max_examples=80, deadline=None)
@given(flips=st.lists(st.tuples(st.integers(0, 100_000), st.integers(0, 255)), min_size=1, max_size=30))
async def test_whatever_is_damaged_nothing_false_is_read_and_a_start_succeeds(
    tmp_path_factory: pytest.TempPathFactory, flips: list[tuple[int, int]]
) -> None:
    folder = tmp_path_factory.mktemp("flips")
    sent = [b"%02d" % n * 30 for n in range(12)]
    async with Journal(folder, SETTINGS) as journal:
        for payload in sent:
            await journal.append([batch(payload)])
        size = journal.size // len(sent)
    file = next(folder.glob("*.journal"))
    data = bytearray(file.read_bytes())
    for at, value in flips:
        data[at % len(data)] = value
    whole = {n for n in range(len(sent)) if data[n * size : (n + 1) * size] == file.read_bytes()[n * size :][:size]}
    file.write_bytes(data)
    async with Journal(folder, SETTINGS) as journal:
        await journal.append([batch(b"next")])
        found = payloads(journal.reader(0).read(100))
    assert found[:-1] == [payload for n, payload in enumerate(sent) if n in whole]
    assert found[-1] == b"next"


@given(
    st.lists(st.tuples(st.text(max_size=30), st.binary(max_size=200)), min_size=1, max_size=20),
    st.integers(0, 2**60),
    st.integers(0, 2**50),
)
def test_a_block_survives_its_own_format(messages: list[tuple[str, bytes]], first: int, received: int) -> None:
    block = Block(first, received, "länk", [t for t, _ in messages], [p for _, p in messages])
    data = blocks.encode(block)
    assert blocks.decode(memoryview(data), 0) == (block, len(data))
    assert all(blocks.decode(memoryview(data)[:cut], 0) is None for cut in (0, 5, 31, len(data) - 1))


WRITER = """
import asyncio, sys
from pathlib import Path
from gateway.config import Journal as Settings
from gateway.journal.journal import Journal
from gateway.records import Batch

async def main():
    async with Journal(Path(sys.argv[1]), Settings(max_mib=64, segment_mib=1)) as journal:
        for n in range(10**9):
            await journal.append([Batch("k", n, ["t"] * 3, [b"%d" % (3 * n + k) * 50 for k in range(3)], {}, print)])
            print(3 * n + 2, flush=True)
asyncio.run(main())
"""


@pytest.mark.parametrize("seed", range(3))
def test_kill_9_loses_nothing_that_append_returned_from(tmp_path: Path, seed: int) -> None:
    child = subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    told = 0
    for line in child.stdout:
        told = int(line)
        if told > 500 + seed * 777:
            break
    child.kill()
    told = max([told, *map(int, child.stdout.read().splitlines()[:-1] or [0])])
    child.wait()
    report = verify(tmp_path)
    assert report.sound
    assert report.end > told
