"""The journal on a disk that is full or fails: what it refuses leaves no trace, and it goes on by itself."""

from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import NoReturn

import pytest

from gateway.config import Journal as Settings
from gateway.errors import JournalError
from gateway.journal import segments as segments_module
from gateway.journal.journal import SPARE_BYTES, Journal
from gateway.journal.verify import verify
from gateway.records import Batch, Block

SETTINGS = Settings(max_mib=16, segment_mib=1)


def batch(payload: bytes) -> Batch:
    return Batch("city", 1, ["t"], [payload], {}, lambda: None)


def payloads(found: list[Block]) -> list[bytes]:
    return [payload for block in found for payload in block.payloads]


def full(*_: object) -> NoReturn:
    raise OSError(errno.ENOSPC, "No space left on device")


async def test_the_last_room_of_a_disk_is_left_to_ledger_and_store(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with Journal(tmp_path, SETTINGS) as journal:
        with monkeypatch.context() as patch:
            patch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=SPARE_BYTES + 100))
            await journal.append([batch(b"fits")])
            with pytest.raises(JournalError, match="the disk is full: its last 32 MiB"):
                await journal.append([batch(b"x" * 100)])
            assert journal.disk_full
            await journal.append([batch(b"fits")])
            assert not journal.disk_full
        assert payloads(journal.reader(0).read(10)) == [b"fits", b"fits"]


async def test_a_new_segment_that_the_disk_refuses_is_tried_again_and_costs_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with Journal(tmp_path, SETTINGS) as journal:
        with monkeypatch.context() as patch:
            patch.setattr(segments_module, "sync_folder", full)
            (block,) = await journal.append([batch(b"x" * (1 << 20))])
            assert block.payloads == [b"x" * (1 << 20)], "it was synced, and is acknowledged"
            with pytest.raises(JournalError, match="the disk is full"):
                await journal.append([batch(b"y")])
            assert journal.disk_full
        assert [found.first for found in await journal.append([batch(b"y")])] == [1]
        assert [segment.first for segment in journal.segments] == [0, 1]
        assert journal.release(1) == 1
        assert payloads(journal.reader(1).read(10)) == [b"y"]
    assert verify(tmp_path).sound


async def test_what_a_refused_write_left_is_cut_by_the_next_where_it_could_not_be_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with Journal(tmp_path, SETTINGS) as journal:
        await journal.append([batch(b"before")])

        def broken(*_: object) -> NoReturn:
            raise OSError(errno.EIO, "Input/output error")

        with monkeypatch.context() as patch:
            patch.setattr(os, "fdatasync", broken)
            patch.setattr(os, "ftruncate", broken)
            with pytest.raises(JournalError, match="Input/output error"):
                await journal.append([batch(b"lost?")])
            assert not journal.disk_full
        await journal.append([batch(b"after")])
        assert payloads(journal.reader(0).read(10)) == [b"before", b"after"]
    assert verify(tmp_path).sound


async def test_a_start_on_a_full_disk_cuts_the_torn_tail_and_goes_without_the_copy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with Journal(tmp_path, SETTINGS) as journal:
        await journal.append([batch(b"before")])
        file = journal.segments[0].path
    with file.open("ab") as torn:
        torn.write(b"PVJ1 and half a block")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_bytes", full)
        journal = Journal(tmp_path, SETTINGS)
    async with journal:
        await journal.append([batch(b"after")])
        assert payloads(journal.reader(0).read(10)) == [b"before", b"after"]
    assert verify(tmp_path).sound
