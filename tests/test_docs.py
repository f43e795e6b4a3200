"""The documents: links lead somewhere, names exist, commands are as they say; no file tells of where it was made."""

from __future__ import annotations

import ast
import importlib
import importlib.util
import os
import pkgutil
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from types import ModuleType

import pytest

import detectors
import gateway
import simulators

ROOT = Path(__file__).parents[1]
DOCUMENTS = sorted([ROOT / "README.md", ROOT / "CHANGELOG.md", *(ROOT / "docs").glob("*.md")])
LINK = re.compile(r"!?\[[^\]]*\]\((?P<target>[^)\s]+)\)")
LEFT_OUT = {"__pycache__", "node_modules", "build", "dist", "var"}


def prose(document: Path) -> str:
    """A document without its blocks of code."""
    return re.sub(r"^```.*?^```$", "", document.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)


def anchors(document: Path) -> set[str]:
    """The anchors of a document's headings, as they are made where such documents are shown."""
    headings = re.findall(r"^#+ (.+)$", prose(document), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_link_in_it_leads_somewhere(document: Path) -> None:
    broken: list[str] = []
    for found in LINK.finditer(prose(document)):
        target, _, anchor = found["target"].partition("#")
        if re.match(r"[a-z]+:", target):
            continue
        place = (document.parent / target).resolve() if target else document
        if not place.exists() or (anchor and place.suffix == ".md" and anchor not in anchors(place)):
            broken.append(found["target"])
    assert broken == []


@pytest.mark.parametrize("document", sorted((ROOT / "docs").glob("*.md")), ids=lambda path: path.name)
def test_the_readme_or_a_document_named_there_leads_to_it(document: Path) -> None:
    reached, todo = set[Path](), [ROOT / "README.md"]
    while todo:
        page = todo.pop()
        reached.add(page)
        for found in LINK.finditer(prose(page)):
            place = (page.parent / found["target"].partition("#")[0]).resolve()
            if place.suffix == ".md" and place.exists() and place not in reached:
                todo.append(place)
    assert document in reached


@cache
def modules() -> dict[str, list[ModuleType]]:
    """Short name and full name of each module to the modules so named."""
    found: dict[str, list[ModuleType]] = {}
    for room in (gateway, detectors, simulators):
        found.setdefault(room.__name__, []).append(room)
        for each in pkgutil.walk_packages(room.__path__, f"{room.__name__}."):
            if each.name.endswith("__main__"):
                continue
            module = importlib.import_module(each.name)
            for name in {each.name, each.name.rpartition(".")[2]}:
                found.setdefault(name, []).append(module)
    return found


@cache
def classes() -> dict[str, list[type]]:
    """Name to the classes so named in our modules."""
    found: dict[str, list[type]] = {}
    for module in {id(module): module for named in modules().values() for module in named}.values():
        for name, value in vars(module).items():
            if isinstance(value, type) and value.__module__ == module.__name__:
                found.setdefault(name, []).append(value)
    return found


def has(owner: type, name: str) -> bool:
    """Whether a class has an attribute, also one that only its instances have."""
    fields = {*getattr(owner, "__annotations__", {}), *getattr(owner, "__dataclass_fields__", {})}
    return hasattr(owner, name) or name in fields


def exists(name: str) -> bool:
    """Whether `Class.method`, `module.function`, `package.module.function` or a module is in the code."""
    if name in modules():
        return True
    owner, _, last = name.rpartition(".")
    return any(has(each, last) for each in classes().get(owner, [])) or any(
        hasattr(module, last) for module in modules().get(owner, [])
    )


def names_in(text: str) -> Iterator[str]:
    """Dotted names of code in backticks, without the parentheses of a call."""
    for quoted in re.findall(r"`([^`\n]+)`", text):
        if re.fullmatch(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)+(\(\))?", quoted) and not re.search(
            r"\.(toml|md|sqlite)$", quoted
        ):
            yield quoted.removesuffix("()")


def test_every_function_that_the_architecture_names_is_in_the_code() -> None:
    from gateway.config import Config

    names = set(names_in(prose(ROOT / "docs" / "architecture.md")))
    keys = {name for name in names if name.partition(".")[0] in Config.model_fields}
    assert len(names - keys) > 20, "it names the way of a reading and of a frame by function"
    assert sorted(name for name in names - keys if not exists(name)) == []


def test_every_file_that_the_architecture_names_is_there() -> None:
    paths = re.findall(
        r"`((?:gateway|detectors|simulators)/[\w/]*(?:\.py)?)`", prose(ROOT / "docs" / "architecture.md")
    )
    assert len(paths) > 10
    assert [path for path in paths if not (ROOT / path).exists()] == []


def test_the_page_of_commands_is_what_the_commands_say() -> None:
    script = ROOT / "docs" / "write_commands.py"
    spec = importlib.util.spec_from_file_location("write_commands", script)
    assert spec is not None
    assert spec.loader is not None
    writer = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(writer)
    written = (ROOT / "docs" / "commands.md").read_text("utf-8")
    assert written == writer.page(), "run python docs/write_commands.py"


def files() -> Iterator[Path]:
    """Every file of the project but what is made from it."""
    for folder, folders, names in os.walk(ROOT):
        kept = [each for each in folders if each not in LEFT_OUT and not each.endswith(".egg-info")]
        folders[:] = [each for each in kept if not each.startswith(".") or each in (".ci", ".github")]
        if Path(folder) == ROOT and "data" in folders:
            folders.remove("data")
        yield from (Path(folder) / name for name in names)


def test_no_file_tells_of_where_it_was_made_or_where_packages_come_from() -> None:
    """Whoever installs the project chooses the registries; paths of one workplace mean nothing at another."""
    hosts = [".".join(host) for host in (("pypi", "org"), ("registry", "npmjs", "org"), ("deb", "debian", "org"))]
    workplace = "/wo" + "rk/"
    forbidden = re.compile("|".join([*map(re.escape, hosts), rf"(?<![\w.}}]){workplace}"]).encode())
    sources = [file for file in files() if file.is_file() and file != ROOT / ".git"]  # a file in a linked work tree
    found = {str(file.relative_to(ROOT)): forbidden.search(file.read_bytes()) for file in sources}
    assert {name: match[0] for name, match in found.items() if match} == {}


def test_every_module_says_what_it_is() -> None:
    silent: list[str] = []
    for room in ("gateway", "detectors", "simulators"):
        for file in sorted((ROOT / room).rglob("*.py")):
            text = file.read_text("utf-8")
            if text.strip() and file.name != "__main__.py" and ast.get_docstring(ast.parse(text)) is None:
                silent.append(str(file.relative_to(ROOT)))
    assert silent == []
