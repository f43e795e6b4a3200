"""Paths into JSON: what each leads to, and which are no paths."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.json_paths import MISSING, compile_path, get, matches

MESSAGE: Any = {
    "ts": 7,
    "a-b": {"c d": [10, 20, {"é": 30}]},
    "list": [{"v": 1, "tags": {"k": "x"}}, {"v": 2}, "text"],
    'q"': 5,
}


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("", MESSAGE),
        (".", MESSAGE),
        ("$", MESSAGE),
        ("ts", 7),
        ("$.ts", 7),
        ('a-b."c d"[0]', 10),
        ('"a-b"."c d"[-1].é', 30),
        ('$."q\\""', 5),
        ("list[1].v", 2),
        ("$.list[0].tags.k", "x"),
        ("list[3]", MISSING),
        ("list[-4]", MISSING),
        ("list.v", MISSING),
        ("ts[0]", MISSING),
        ("ts.x", MISSING),
        ("nothing.at.all", MISSING),
        ("^.ts", MISSING),
        ("@key", MISSING),
        ("^@key", MISSING),
    ],
)
def test_a_path_leads_to_one_thing_or_to_nothing(path: str, found: object) -> None:
    assert get(compile_path(path), [(None, MESSAGE)]) == found


@pytest.mark.parametrize(
    ("path", "keys"),
    [
        ("", [None]),
        ("list[*]", [0, 1, 2]),
        ("$.list[*]", [0, 1, 2]),
        ("list[*].v", ["v", "v"]),
        ("list[*].tags.*", ["k"]),
        ("*", ["ts", "a-b", "list", 'q"']),
        ("*.*", ["c d"]),
        ("ts[*]", []),
        ("ts.*", []),
        ("list.*", []),
        ("gone[*]", []),
    ],
)
def test_a_wild_path_leads_to_all_in_the_order_of_the_message(path: str, keys: list[object]) -> None:
    assert [chain[-1][0] for chain in matches(compile_path(path, wild=True), MESSAGE)] == keys


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("", "x"),
        ("@key", "k"),
        ("^", {"k": "x"}),
        ("^@key", "tags"),
        ("^^@key", 0),
        ("^^.v", 1),
        ("^^^[1].v", 2),
        ("$.ts", 7),
        ("^^^^^^.ts", MISSING),
    ],
)
def test_from_a_reading_a_path_goes_up_as_well(path: str, found: object) -> None:
    (chain,) = matches(compile_path("list[*].tags.*", wild=True), MESSAGE)
    assert get(compile_path(path), chain) == found


@pytest.mark.parametrize(
    ("path", "wild", "words"),
    [
        ("a..b", False, "'..b'"),
        (".a", False, "'.a'"),
        ("a b", False, "' b'"),
        ("a[", False, "'['"),
        ("a[x]", False, "'[x]'"),
        ("a[1.5]", False, "'[1.5]'"),
        ("$a", False, "'a'"),
        ("^a", False, "'a'"),
        ('"open', False, "open"),
        ("a*", True, "'*'"),
        ("a@key", False, "'@key'"),
        ("a.*", False, "only `readings`"),
        ("a[*]", False, "only `readings`"),
        ("^.a", True, "^ has no meaning"),
        ("@key", True, "has no key"),
        ("$@key", False, "has no key"),
        ("a" * 257, False, "longer than 256"),
    ],
)
def test_what_is_no_path_is_refused_with_the_place(path: str, wild: bool, words: str) -> None:
    with pytest.raises(ValueError, match="path") as caught:
        compile_path(path, wild=wild)
    assert words in str(caught.value)


values = st.recursive(
    st.none() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", "b", "c-1"]), inner, max_size=3),
    max_leaves=12,
)
steps = st.lists(st.sampled_from(["a", "b", "c-1", "[0]", "[-1]", "[*]", "*"]), min_size=1, max_size=4)


@given(steps, values)
def test_every_chain_is_a_way_through_the_message(chosen: list[str], message: Any) -> None:
    text = "$" + "".join(step if step.startswith("[") else f".{step}" for step in chosen)
    for chain in matches(compile_path(text, wild=True), message):
        here = message
        for key, value in chain[1:]:
            here = here[key]
            assert here is value
        assert get(compile_path("^" * (len(chain) - 1)), chain) is message
