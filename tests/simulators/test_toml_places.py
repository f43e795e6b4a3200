"""Lines of keys, on a text that has what makes reading hard."""

from __future__ import annotations

import tomllib

import pytest

from simulators.toml_places import locate

TEXT = """about = "[[a]] x = 1 # no comment"
# [[a]]

[[a]]
list = [
    [1, 2],
    { x = "}", y = { deep = 1 } },  # x = 5
    { y = 3 },
]
x = 1
[a.inner]
x = 2

[[a]]
dotted.x = 4
"quoted" = 5
[[a.more]]
x = 6
[[a.more]]
x = 7

[t.one]
x = 8
[t."two"]
x = 9
"""


@pytest.mark.parametrize(
    ("loc", "line"),
    [
        (("about",), 1),
        (("a", 0), 4),
        (("a", 0, "x"), 10),
        (("a", 0, "list"), 5),
        (("a", 0, "list", 0, 1), 6),
        (("a", 0, "list", 1, "x"), 7),
        (("a", 0, "list", 1, "y", "deep"), 7),
        (("a", 0, "list", 2, "y"), 8),
        (("a", 0, "inner", "x"), 12),
        (("a", 0, "missing"), 4),
        (("a", 1, "kind", "quoted"), 16),
        (("a", 1, "dotted", "x"), 15),
        (("a", 1, "more", 1, "x"), 20),
        (("a", 1, "more"), 17),
        (("t", "two", "x"), 25),
        (("t", "one", "missing"), 22),
        (("missing",), 0),
        ((), 0),
    ],
)
def test_lines_of_keys(loc: tuple[str | int, ...], line: int) -> None:
    tomllib.loads(TEXT)
    assert locate(TEXT, loc) == line
