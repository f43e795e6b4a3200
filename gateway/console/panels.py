"""The panels of the page as HTML, from records alone. Everything that comes from outside is escaped here."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from html import escape
from typing import Final

from gateway.alerts.records import Alert, Detection, Family, Subject
from gateway.alerts.subjects import GAPS, IDENTITY, LATE, SILENCE, limit_of
from gateway.alerts.texts import duration, number
from gateway.console.board import Look
from gateway.console.words import MINUTE, Words
from gateway.inventory import Inventory, Name

SAME_EPISODE_MS: Final = 5_000
"""Detections of one camera no further apart are shown as one line."""
EPISODES_SHOWN: Final = 12
BEHIND_SHOWN: Final = 100_000
"""Messages on their way to the store that are worth a word; a busy gateway always has a batch under way."""


class Names:
    """Names of what alerts and detections speak of, by the ids they use; an id that is not known names itself."""

    def __init__(self, inventory: Inventory) -> None:
        site_of = [site.id for site in inventory.sites]
        self._sites = {site.id: site for site in inventory.sites}
        self._subjects = {
            **{("device", site_of[device.site], device.id): device.name for device in inventory.devices},
            **{("camera", site_of[camera.site], camera.id): camera.name for camera in inventory.cameras},
        }
        self._factors = {
            (site_of[device.site], device.id, factor.code): factor.name
            for device in inventory.devices
            for factor in device.factors
        }
        self._zones = {
            (site_of[camera.site], camera.id, zone.id): zone.name
            for camera in inventory.cameras
            for zone in camera.zones
        }
        self.periods = {rule.id: rule.period for rule in inventory.limits}

    def site(self, id: str) -> Name:
        site = self._sites.get(id)
        return site.name if site else Name(id, id)

    def zone(self, site: str) -> tzinfo:
        """The time zone of a site."""
        found = self._sites.get(site)
        return found.zone if found else UTC

    def subject(self, kind: str, site: str, id: str) -> Name:
        return self._subjects.get((kind, site, id), Name(id, id))

    def what(self, words: Words, subject: Subject) -> str:
        """What an alert judges: the factor, the zone, or silence."""
        match subject.family:
            case Family.EXCEEDANCE:
                name = self._factors.get(
                    (subject.site, subject.id, subject.factor), Name(subject.factor, subject.factor)
                )
                return words.late.format(words.pick(name)) if subject.rule.endswith(LATE) else words.pick(name)
            case Family.SECURITY:
                return words.pick(
                    self._zones.get((subject.site, subject.id, subject.rule), Name(subject.rule, subject.rule))
                )
            case Family.DATA_QUALITY | Family.GATEWAY_HEALTH:
                if subject.rule in GAPS:
                    return words.missing[GAPS[subject.rule]]
                if subject.rule in words.clocks:
                    return words.clocks[subject.rule]
                if subject.rule == IDENTITY:
                    return words.identity
                return words.silence if subject.rule == SILENCE else subject.rule.replace("_", " ")

    def channel(self, subject: Subject) -> str:
        """The channel an exceedance is about, as the page names it in its address; empty for other alerts."""
        if subject.family is not Family.EXCEEDANCE:
            return ""
        period = self.periods.get(limit_of(subject), "realtime")
        return "/".join((subject.site, subject.id, subject.factor, subject.field, period))


def header(words: Words, look: Look) -> str:
    """The figures in the page's head."""
    about = look.about
    pending = words.pending.format(look.pending_count) if look.pending_count else ""
    figures = [
        _figure("readings", words.readings_rate, _rate(look.rates.readings)),
        _figure("messages", words.messages_rate, _rate(look.rates.messages)),
        _figure("frames", words.frames_rate, _rate(look.rates.frames)),
        _figure("open", words.open_alerts, str(look.firing_count), pending, "bad" if look.firing_count else "good"),
        _figure("dead", words.dead_letters, f"{look.dead_letters:,}", "", "warn" if look.dead_letters else ""),
    ]
    if "journal_bytes" in about:
        share = about.get("journal_share")
        figures.append(
            _figure(
                "journal",
                words.journal,
                _bytes(about["journal_bytes"]),
                "" if share is None else f"{share:.0%}",
                "warn" if share is not None and share > 0.5 else "",
            )
        )
    if "store" in about:
        away, behind = about.get("store_away", False), about.get("store_behind", 0)
        state = words.away if away else words.behind.format(f"{behind:,}") if behind > BEHIND_SHOWN else words.stored
        figures.append(_figure("store", words.store, escape(about["store"]), state, "bad" if away else ""))
    return "".join(figures)


def open_alerts(words: Words, names: Names, look: Look) -> str:
    """The table of open alerts, newest first."""
    if not look.firing:
        return f'<div class="empty good">{_TICK}{words.no_alerts}</div>'
    rows = "".join(_open_alert(words, names, alert, look.taken) for alert in look.firing)
    hidden = look.firing_count - len(look.firing)
    more = f'<div class="more">{words.more.format(hidden)}</div>' if hidden > 0 else ""
    return (
        f'<table class="alerts"><thead><tr><th>{words.level}</th><th>{words.what}</th><th>{words.where}</th>'
        f"<th>{words.since}</th><th class=num>{words.value} / {words.limit}</th></tr></thead>"
        f"<tbody>{rows}</tbody></table>{more}"
    )


def resolved_alerts(words: Words, names: Names, look: Look) -> str:
    """The list of alerts resolved of late."""
    if not look.resolved:
        return f'<div class="empty">{words.no_resolved}</div>'
    return f'<ul class="lines">{"".join(_resolved(words, names, alert, look.taken) for alert in look.resolved)}</ul>'


def _resolved(words: Words, names: Names, alert: Alert, now: int) -> str:
    subject = alert.subject
    facts = f"{words.lasted} {words.pick(duration(alert.resolved - alert.since))}"
    if subject.rule != SILENCE:
        bound = words.at_least if subject.side == "below" else words.at_most
        facts += f" · {bound} {_measured(words, subject, alert.peak)}"
    return (
        f'<li title="{escape(_text(words, alert))}">'
        f"<time>{clock(alert.resolved, names.zone(subject.site), now)}</time>"
        f"<span class=grow><b>{escape(names.what(words, subject))}</b> {_where(words, names, subject)}</span>"
        f"<span class=muted>{facts}</span></li>"
    )


@dataclass(slots=True)
class Episode:
    """Detections of one camera in quick succession, seen as one."""

    site: str
    camera: str
    kind: str
    first: int
    last: int
    frames: int
    boxes: int
    share: float


def episodes(detections: Iterable[Detection]) -> list[Episode]:
    """Detections, newest first, gathered to episodes, newest first."""
    open_ones: dict[tuple[str, str, str], Episode] = {}
    found: list[Episode] = []
    for one in detections:
        key = (one.site, one.camera, one.kind)
        share = max((zone.share for zone in one.zones), default=0.0)
        episode = open_ones.get(key)
        if episode is not None and episode.first - one.captured <= SAME_EPISODE_MS:
            episode.first = one.captured
            episode.frames += 1
            episode.boxes = max(episode.boxes, len(one.boxes))
            episode.share = max(episode.share, share)
        else:
            episode = Episode(one.site, one.camera, one.kind, one.captured, one.captured, 1, len(one.boxes), share)
            open_ones[key] = episode
            found.append(episode)
    return found


def last_detections(words: Words, names: Names, look: Look) -> str:
    """The list of what was seen of late."""
    shown = episodes(look.detections)[:EPISODES_SHOWN]
    if not shown:
        return f'<div class="empty">{words.no_detections}</div>'
    return f'<ul class="lines">{"".join(_episode(words, names, episode, look.taken) for episode in shown)}</ul>'


def _episode(words: Words, names: Names, episode: Episode, now: int) -> str:
    camera = names.subject("camera", episode.site, episode.camera)
    boxes = words.box if episode.boxes == 1 else words.boxes.format(episode.boxes)
    return (
        f"<li><time>{clock(episode.last, names.zone(episode.site), now)}</time><span class=grow>"
        f"<b>{escape(words.kinds.get(episode.kind, episode.kind))}</b> "
        f"{place(words, camera, names.site(episode.site))}</span>"
        f"<span class=muted>{boxes} · {words.of_zone.format(f'{episode.share:.0%}')}</span></li>"
    )


def cameras(words: Words, inventory: Inventory) -> str:
    """The frames' places; `console.js` fetches the pictures and draws zones and boxes over them."""
    if not inventory.cameras:
        return f'<div class="empty">{words.no_cameras}</div>'
    tiles: list[str] = []
    for camera in inventory.cameras:
        site = inventory.sites[camera.site]
        zones = [{"name": words.pick(zone.name), "polygon": zone.polygon, "share": zone.share} for zone in camera.zones]
        tiles.append(
            f'<figure class="camera" data-site="{escape(site.id)}" data-camera="{escape(camera.id)}" '
            f'data-zones="{escape(json.dumps(zones, ensure_ascii=False))}" data-zone="{site.zone}">'
            f'<div class="picture"><img alt=""><svg></svg><span class="none">{words.no_frame}</span><time></time></div>'
            f"<figcaption>{place(words, camera.name, site.name)}</figcaption></figure>"
        )
    return "".join(tiles)


def _open_alert(words: Words, names: Names, alert: Alert, now: int) -> str:
    subject = alert.subject
    channel = names.channel(subject)
    other = alert.text_en if words.language == "zh" else alert.text_zh
    lasting = (
        words.under_a_minute
        if now - alert.since < MINUTE
        else words.pick(duration((now - alert.since) // MINUTE * MINUTE))
    )
    attributes = f' data-channel="{escape(channel)}" tabindex=0 role=button' if channel else ""
    rank = min(alert.level, 3)
    return (
        f'<tr class="first {subject.family}" data-alert="{escape(alert.id)}"{attributes}>'
        f'<td><span class="level l{rank}">{alert.level}</span></td>'
        f"<td><b>{escape(names.what(words, subject))}</b><small>{words.families[subject.family]}</small></td>"
        f"<td>{_where(words, names, subject, split=True)}</td>"
        f"<td>{clock(alert.since, names.zone(subject.site), now)}<small>{lasting}</small></td>"
        f"<td class=num><b>{_measured(words, subject, alert.value)}</b>"
        f"<small>{words.limit} {_measured(words, subject, alert.limit)}</small></td></tr>"
        f'<tr class="second"><td></td><td colspan=4><p>{escape(_text(words, alert))}</p>'
        f'<p class="other" lang="{"en" if words.language == "zh" else "zh"}">{escape(other)}</p></td></tr>'
    )


def _text(words: Words, alert: Alert) -> str:
    return alert.text_zh if words.language == "zh" else alert.text_en


def _where(words: Words, names: Names, subject: Subject, *, split: bool = False) -> str:
    name, site = names.subject(subject.kind, subject.site, subject.id), names.site(subject.site)
    if split:
        return f"{escape(words.pick(name))}<small>{escape(words.pick(site))}</small>"
    return place(words, name, site)


def place(words: Words, name: Name, site: Name) -> str:
    """A name with that of its site, as HTML."""
    return f"{escape(words.pick(name))} <span class=muted>{escape(words.pick(site))}</span>"


def _measured(words: Words, subject: Subject, value: float) -> str:
    """A value with its unit: a share of a zone as per cent, silence and missing data in the largest units."""
    if value != value:
        return words.unknown
    if subject.family is Family.SECURITY:
        return f"{number(round(value * 100, 1))} %"
    if subject.rule == SILENCE or subject.rule in GAPS or subject.rule in words.clocks:
        return words.pick(duration(int(value * 1000)))
    return escape(f"{number(value)} {subject.unit}".strip())


def clock(ms: int, zone: tzinfo, now: int) -> str:
    """The time at the site; with its date where that is not today's."""
    try:
        moment = datetime.fromtimestamp(ms / 1000, zone)
    except (OverflowError, ValueError, OSError):
        return "—"
    today = datetime.fromtimestamp(now / 1000, zone)
    return f"{moment:%H:%M:%S}" if moment.date() == today.date() else f"{moment:%Y-%m-%d %H:%M}"


def _figure(id: str, label: str, value: str, note: str = "", state: str = "") -> str:
    return (
        f'<div class="figure {state}" data-figure="{id}"><span class="label">{label}</span>'
        f'<span class="number">{value}</span><span class="note">{note}</span></div>'
    )


def _rate(rate: float) -> str:
    return f"{rate:,.0f}" if rate >= 10 or rate == 0 else f"{rate:.1f}"


def _bytes(size: float) -> str:
    for unit in ("B", "KiB", "MiB", "GiB"):
        if size < 1024 or unit == "GiB":
            break
        size /= 1024
    return f"{size:.0f} {unit}" if unit == "B" or size >= 10 else f"{size:.1f} {unit}"


_TICK: Final = (
    '<svg class="tick" viewBox="0 0 24 24" aria-hidden="true"><circle cx="12" cy="12" r="11"/>'
    '<path d="M7 12.5l3.2 3.2L17 9"/></svg>'
)
