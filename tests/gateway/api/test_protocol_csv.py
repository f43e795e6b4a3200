"""CSV for spreadsheets: a text is never a formula."""

from __future__ import annotations

import csv
import io
from dataclasses import replace

import pytest
from made_up_views import make_views

from gateway.api.protocol_csv import HEADINGS, csv_lines
from gateway.inventory import Name

VIEWS = make_views().views


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_a_name_that_a_spreadsheet_would_run_is_marked_as_text(start: str) -> None:
    text = f"{start}cmd|'/c calc'!A1\",\"x"
    inventory = VIEWS.inventory
    devices = tuple(replace(device, name=Name(text, text), mn=text) for device in inventory.devices)
    lines = csv_lines(replace(inventory, devices=devices), VIEWS.loggers.views([2]))
    (row,) = csv.DictReader(io.StringIO(HEADINGS + lines, newline=""))
    assert {row["name_en"], row["name_zh"], row["mn"]} == {f"'{text}"}
    assert row["device"] == "outlet"
