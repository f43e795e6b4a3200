"""The list of loggers as CSV (RFC 4180), for an inspector's report: a row a logger, its verdicts in both languages."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from typing import Final

from gateway.alerts.texts import local_time
from gateway.hj212.verdict_texts import TEXTS
from gateway.hj212.verdicts import WORDS
from gateway.inventory import Inventory
from gateway.loggers.views import LoggerView

MEDIA_TYPE: Final = "text/csv"
_COLUMNS: Final = (
    "site",
    "device",
    "name_en",
    "name_zh",
    "mn",
    "edition",
    "edition_configured",
    "first_received",
    "last_received",
    "frames",
    "frames_with_verdicts",
    "share_percent",
    "quarantined",
    "repeats",
    "sets_incomplete",
    "gaps_minute",
    "gaps_hour",
    "verdicts_en",
    "verdicts_zh",
)
HEADINGS: Final = ",".join(_COLUMNS) + "\r\n"


def csv_lines(inventory: Inventory, loggers: Sequence[LoggerView]) -> str:
    """Rows below `HEADINGS`; times are on the clock of the site, with the offset.

    A text that a spreadsheet would take for a formula has an apostrophe before it.
    """
    lines = io.StringIO()
    writer = csv.writer(lines)
    for found in loggers:
        device = inventory.devices[found.device]
        site = inventory.sites[device.site]
        texts = [(TEXTS[WORDS[each.word]], each.frames) for each in found.verdicts]
        periods = [gap.period for gap in found.gaps]
        writer.writerow(
            (
                _plain(site.id),
                _plain(device.id),
                _plain(device.name.en),
                _plain(device.name.zh),
                _plain(device.mn),
                found.edition,
                "yes" if found.configured else "no",
                local_time(found.first_received, site.zone),
                local_time(found.last.received, site.zone),
                found.frames,
                found.marked,
                f"{100 * found.share:.2f}",
                found.quarantined,
                found.repeats,
                found.sets_incomplete,
                periods.count("minute"),
                periods.count("hour"),
                "; ".join(f"{text.label_en}: {n}" for text, n in texts),
                "；".join(f"{text.label_zh} {n}" for text, n in texts),
            )
        )
    return lines.getvalue()


def _plain(text: str) -> str:
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text
