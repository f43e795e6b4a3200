"""The panel of strangers: names outside the inventory that send, the last heard first. HTML from records alone."""

from __future__ import annotations

from datetime import UTC
from html import escape
from typing import Final

from gateway.console.board import Look
from gateway.console.panels import clock
from gateway.console.words import Words
from gateway.inventory import Inventory
from gateway.visible import visible

NAME_SHOWN: Final = 60
"""Characters of a name and of a topic."""


def stranger_rows(words: Words, inventory: Inventory, look: Look) -> str:
    """The table of strangers; times are on the clock of the first site, as strangers are at none."""
    zone = inventory.sites[0].zone if inventory.sites else UTC
    rows = "".join(
        f"<tr><td><b><bdi>{escape(visible(each.name or each.topic, NAME_SHOWN))}</bdi></b>"
        f"<small><bdi>{escape(visible(each.topic, NAME_SHOWN))}</bdi></small></td>"
        f"<td>{escape(each.link)}</td><td>{escape(each.reason)}</td>"
        f"<td>{clock(each.first, zone, look.taken)}</td><td>{clock(each.last, zone, look.taken)}</td>"
        f"<td class=num>{each.count:,}</td></tr>"
        for each in look.strangers
    )
    hidden = look.strangers_count - len(look.strangers)
    more = f'<div class="more">{words.more_strangers.format(hidden)}</div>' if hidden > 0 else ""
    heads = (words.stranger, words.link, words.reason, words.first_heard, words.last_heard)
    columns = "".join(f"<th>{head}</th>" for head in heads)
    return (
        f'<table class="loggers strangers"><thead><tr>{columns}<th class=num>{words.messages}</th></tr></thead>'
        f"<tbody>{rows}</tbody></table>{more}"
    )
