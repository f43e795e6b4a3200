"""docs/metrics.md names every metric with its type and labels, and no other."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import small_city
from prometheus_client import CollectorRegistry

from gateway.config import Config, Link, Listener
from gateway.metrics import registry_of
from gateway.service import Service
from gateway.service_views import api_server

PAGE = Path(__file__).parents[2] / "docs" / "metrics.md"
ROW = re.compile(r"\| `(?P<name>\w+)` \| (?P<type>\w+) \| (?P<labels>[^|]*?) ?\| (?P<meaning>.+) \|")
Known = dict[str, tuple[str, frozenset[str]]]
"""Name as it stands in /metrics to type and labels."""


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[CollectorRegistry]:
    """The metrics of a service that does not run, each with at least one sample."""
    config = Config(data=tmp_path, links=(Link(name="city"),), listeners=(Listener(name="tcp"),))
    service = Service(config, small_city.inventory(), api_server)
    service.listeners[0].counts.refused["unknown_mn"] += 1
    service.listeners[0].counts.closed["idle"] += 1
    service.pipeline.counts.dead["bad_json"] += 1
    service.pipeline.counts.steps["exceedance", "fired"] += 1
    service.frames.counts.dropped["newest_wins"] += 1
    service.requests.steps["done", "executed"] += 1
    service.requests.strays["late"] += 1
    yield registry_of(service)
    service.journal.close()
    service.requests.close()
    service.ledger.close()
    service.store.close()


def collected(registry: CollectorRegistry) -> Known:
    return {
        sample.name: (metric.type, frozenset(sample.labels))
        for metric in registry.collect()
        for sample in metric.samples
        if not sample.name.endswith("_created")
    }


def documented() -> Known:
    found: Known = {}
    for row in map(ROW.fullmatch, PAGE.read_text("utf-8").splitlines()):
        if row is not None:
            assert row["name"] not in found, f"{row['name']} stands twice"
            found[row["name"]] = (row["type"], frozenset(re.findall(r"`(\w+)`", row["labels"])))
    return found


def test_the_page_has_every_metric_and_no_other(registry: CollectorRegistry) -> None:
    made, written = set(collected(registry)), set(documented())
    assert made - written == set(), "not documented"
    assert written - made == set(), "documented, but there is none"


def test_the_page_has_the_types_and_labels_of_the_program(registry: CollectorRegistry) -> None:
    assert documented() == collected(registry)


def test_every_metric_says_what_it_means_where_it_is_served(registry: CollectorRegistry) -> None:
    assert [metric.name for metric in registry.collect() if len(metric.documentation) < 10] == []


def test_every_metric_in_an_expression_exists() -> None:
    used = set(re.findall(r"\b(?:gateway|process|python)_\w+", PAGE.read_text("utf-8")))
    assert used - set(documented()) == {"gateway_health"}, "the family of alerts"
