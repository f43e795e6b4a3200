"""Evidence pictures: whole, once, bounded."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from gateway.errors import GatewayError
from gateway.evidence import Evidence

A, B, C = b"a" * 40, b"b" * 40, b"c" * 40


def test_a_picture_is_found_by_the_hash_of_its_bytes(tmp_path: Path) -> None:
    evidence = Evidence(tmp_path / "evidence", 1000)
    sha = evidence.keep(A)
    assert sha == hashlib.sha256(A).hexdigest()
    path = evidence.path(sha)
    assert path == tmp_path / "evidence" / sha[:2] / sha[2:4] / f"{sha}.jpg"
    assert path.read_bytes() == A


def test_the_same_picture_is_kept_once(tmp_path: Path) -> None:
    evidence = Evidence(tmp_path, 1000)
    assert evidence.keep(A) == evidence.keep(A)
    assert (len(evidence), evidence.bytes) == (1, 40)


def test_the_oldest_go_first_and_are_counted(tmp_path: Path) -> None:
    evidence = Evidence(tmp_path, 100)
    a, b = evidence.keep(A), evidence.keep(B)
    evidence.keep(A)  # asked for again: newer than B
    c = evidence.keep(C)
    assert evidence.path(b) is None and evidence.path(a) and evidence.path(c)
    assert (evidence.removed, evidence.bytes) == (1, 80)


def test_the_bound_holds_over_a_restart(tmp_path: Path) -> None:
    first = Evidence(tmp_path, 100)
    for age, picture in enumerate((A, B)):
        path = first.path(first.keep(picture))
        assert path
        os.utime(path, (age, age))
    (tmp_path / "new-half").write_bytes(b"torn")
    second = Evidence(tmp_path, 100)
    assert (len(second), second.bytes, (tmp_path / "new-half").exists()) == (2, 80, False)
    second.keep(C)
    assert second.path(hashlib.sha256(A).hexdigest()) is None
    assert second.path(hashlib.sha256(B).hexdigest())


def test_a_picture_larger_than_the_bound_replaces_all_others(tmp_path: Path) -> None:
    evidence = Evidence(tmp_path, 50)
    evidence.keep(A)
    assert evidence.path(evidence.keep(b"x" * 60))
    assert len(evidence) == 1


@pytest.mark.parametrize("name", ["", "..", "../../etc/passwd", "A" * 64, "g" * 64, "0" * 64])
def test_what_is_no_hash_of_ours_is_not_found(tmp_path: Path, name: str) -> None:
    assert Evidence(tmp_path, 50).path(name) is None


def test_a_folder_that_cannot_be_used_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(GatewayError, match="evidence folder"):
        Evidence(tmp_path / "file", 50)
