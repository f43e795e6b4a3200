"""The panel of loggers: how each keeps to HJ 212, the worst first, and one of them in full. HTML from records alone."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import tzinfo
from html import escape
from typing import Final

from gateway.alerts.ledger_reader import KeptEvent
from gateway.alerts.texts import duration
from gateway.console.board import Look
from gateway.console.panels import clock, place
from gateway.console.words import Words
from gateway.hj212.commands import command
from gateway.hj212.verdict_texts import TEXTS, VerdictText
from gateway.hj212.verdicts import WORDS
from gateway.inventory import Device, Inventory
from gateway.loggers.views import LoggerView, VerdictCount
from gateway.records import DeviceEvent

CHIPS_SHOWN: Final = 3
GAPS_SHOWN: Final = 4
EVENTS_SHOWN: Final = 8
"""Events read for the logger that is shown in full."""
TEXT_SHOWN: Final = 120
"""Characters of an event on its one line."""
BAD_SHARE: Final = 0.5
"""From this share of frames with verdicts on the bar is red."""


def name_of(inventory: Inventory, device: int) -> str:
    """How the page names a logger in its rows."""
    found = inventory.devices[device]
    return f"{inventory.sites[found.site].id}/{found.id}"


def logger_rows(words: Words, inventory: Inventory, look: Look, chosen: int) -> str:
    """The table of loggers, the worst first."""
    rows = "".join(_row(words, inventory, found, look.taken, chosen) for found in look.loggers)
    hidden = look.loggers_count - len(look.loggers)
    more = f'<div class="more">{words.more_loggers.format(hidden)}</div>' if hidden > 0 else ""
    return (
        f'<table class="loggers"><thead><tr><th>{words.logger}</th><th>{words.edition}</th><th>{words.last_frame}</th>'
        f"<th>{words.with_verdicts}</th><th>{words.verdicts}</th><th class=num>{words.gaps}</th></tr></thead>"
        f"<tbody>{rows}</tbody></table>{more}"
    )


def _row(words: Words, inventory: Inventory, found: LoggerView, now: int, chosen: int) -> str:
    device = inventory.devices[found.device]
    site = inventory.sites[device.site]
    chips = "".join(
        f'<span class="chip">{_label(words, _text(each))} <i>{each.frames:,}</i></span>'
        for each in found.verdicts[:CHIPS_SHOWN]
    )
    hidden = len(found.verdicts) - CHIPS_SHOWN
    if hidden > 0:
        chips += f'<span class="chip more">{words.and_more.format(hidden)}</span>'
    return (
        f'<tr data-logger="{escape(name_of(inventory, found.device))}" tabindex=0 role=button'
        f' class="{"chosen" if found.device == chosen else ""}">'
        f"<td><b>{escape(words.pick(device.name))}</b><small>{escape(words.pick(site.name))}</small></td>"
        f"<td>{_edition(words, found)}</td>"
        f"<td>{clock(found.last.received, site.zone, now)}<small>{_command(words, found)}</small></td>"
        f"<td>{_share(words, found)}</td>"
        f"<td>{chips or f'<span class=good>{words.no_verdicts}</span>'}</td>"
        f"<td class=num>{_lost(words, found)}</td></tr>"
    )


def _share(words: Words, found: LoggerView) -> str:
    state = "bad" if found.share >= BAD_SHARE else "some" if found.marked else "none"
    return (
        f'<span class="share {state}"><i style="width:{max(found.share, 0.02 if found.marked else 0):.0%}"></i></span>'
        f"<b>{found.share:.0%}</b>"
        f"<small>{words.of_frames.format(f'{found.marked:,}', f'{found.frames:,}')}</small>"
    )


def _edition(words: Words, found: LoggerView) -> str:
    return (
        f'<span class="edition e{escape(found.edition)}">{escape(found.edition) or words.unknown}</span>'
        f"<small>{words.configured if found.configured else words.recognised}</small>"
    )


def _lost(words: Words, found: LoggerView) -> str:
    if not found.gaps:
        return "0"
    lost = sum(gap.end - gap.start for gap in found.gaps)
    return f"<b>{len(found.gaps)}</b><small>{words.pick(duration(lost))}</small>"


def logger_detail(words: Words, inventory: Inventory, found: LoggerView, events: Sequence[KeptEvent], now: int) -> str:
    """One logger in full: edition, last frame, counts, gaps, verdicts with their sentences, what it told."""
    device = inventory.devices[found.device]
    site = inventory.sites[device.site]
    zone = site.zone
    verdicts = "".join(
        f"<li><span class=count>{each.frames:,}</span><span class=grow><b>{_label(words, _text(each))}</b>"
        f"<small>{_sentence(words, _text(each))}</small></span>"
        f"<time>{clock(each.last, zone, now)}</time></li>"
        for each in found.verdicts
    )
    gaps = "".join(
        f"<li><span class=grow>{words.data_of[gap.period]} {clock(gap.start, zone, now)} – "
        f"{clock(gap.end, zone, now)}</span><span class=muted>{words.pick(duration(gap.end - gap.start))}</span></li>"
        for gap in found.gaps[-1 : -1 - GAPS_SHOWN : -1]
    )
    hidden = len(found.gaps) - GAPS_SHOWN
    if hidden > 0:
        gaps += f"<li class=muted>{words.and_more.format(hidden)}</li>"
    told = "".join(
        f"<li><time>{clock(kept.event.received, zone, now)}</time>"
        f"<span class=grow><b>{escape(kept.event.cn)}</b> {escape(_told(words, kept.event))}</span></li>"
        for kept in events
    )
    return (
        f"<header><div><h3>{place(words, device.name, site.name)}</h3>{_last(words, found, device, zone, now)}"
        f"</div><div>{_edition(words, found)}</div></header>"
        f'<div class="counts">{_counts(words, found)}</div>'
        f"<h4>{words.gaps}</h4>{_lines(gaps, words.no_gaps)}"
        f"<h4>{words.verdicts}</h4>{_lines(verdicts, words.no_verdicts)}"
        f"<h4>{words.told}</h4>{_lines(told, words.nothing_told)}"
    )


def _last(words: Words, found: LoggerView, device: Device, zone: tzinfo, now: int) -> str:
    """The newest frame, and what names the logger, on one line."""
    frame = found.last
    facts = [
        f"{words.last_frame} {clock(frame.received, zone, now)}",
        _command(words, found),
        f"ST {escape(found.st)}" if found.st else "",
        f"QN {escape(frame.qn)}" if frame.qn else "",
        words.encrypted if frame.encrypted else "",
        "" if frame.taken else words.quarantined_frame,
        escape(frame.link),
        f"MN {escape(device.mn)}" if device.mn else "",
        f"{words.first_heard} {clock(found.first_received, zone, now)}",
    ]
    return f"<small>{' · '.join(fact for fact in facts if fact)}</small>"


def _command(words: Words, found: LoggerView) -> str:
    """The last frame's command with its name, where the edition has one."""
    known = command(found.last.cn, found.edition)
    name = "" if known is None else f" {known.zh if words.language == 'zh' else known.en}"
    return f"{escape(found.last.cn)}{name}"


def _counts(words: Words, found: LoggerView) -> str:
    shown = [(label, getattr(found, name)) for name, label in words.counts.items()]
    return "".join(f"<span{'' if n else ' class=muted'}><b>{n:,}</b> {label}</span>" for label, n in shown)


def _told(words: Words, event: DeviceEvent) -> str:
    """An event on one line."""
    items = dict(event.items)
    if event.kind == "set_incomplete":
        return words.incomplete_set.format(items.get("missing", ""), items.get("PNUM", ""))
    line = ", ".join(f"{name}={text}" for name, text in event.items)
    return line if len(line) <= TEXT_SHOWN else line[: TEXT_SHOWN - 1] + "…"


def _lines(rows: str, nothing: str) -> str:
    return f'<ul class="lines">{rows}</ul>' if rows else f"<p class=muted>{nothing}</p>"


def _text(verdict: VerdictCount) -> VerdictText:
    return TEXTS[WORDS[verdict.word]]


def _label(words: Words, text: VerdictText) -> str:
    return escape(text.label_zh if words.language == "zh" else text.label_en)


def _sentence(words: Words, text: VerdictText) -> str:
    return escape(text.zh if words.language == "zh" else text.en)
