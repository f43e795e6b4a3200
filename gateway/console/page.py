"""The page: what stands where, and one timer that brings it up to date once a second while somebody looks."""

from __future__ import annotations

from typing import Final

from nicegui import events, ui
from starlette.concurrency import run_in_threadpool

from gateway.alerts.ledger_reader import KeptEvent
from gateway.api.views import Views
from gateway.console import logger_panel, panels, stranger_panel
from gateway.console.board import Board, Look
from gateway.console.channel_choice import first_choice
from gateway.console.trend import Trend
from gateway.console.words import Words
from gateway.loggers.views import LoggerView

EVERY_S: Final = 1.0


class Page:
    """One open page. Its panels are sent again only when they say something new."""

    def __init__(self, views: Views, board: Board, words: Words, names: panels.Names) -> None:
        self._views = views
        self._board = board
        self._words = words
        self._names = names
        self._trend: Trend | None = None
        self._logger: int | None = None
        """The logger that was chosen to be shown in full; None: the worst one."""

    async def build(self, channel: str) -> None:
        """Create everything; `channel` is the one that the address asks for, or empty."""
        words, views = self._words, self._views
        look = await self._board.look()
        ui.page_title(f"{look.about['name']} · {words.title}")
        ui.colors(primary="#123a5c")
        with ui.element("header").classes("top"):
            ui.html(_brand(look.about["name"], look.about["version"], words), sanitize=False)
            self._header = _html("figures")
            ui.html(_LANGUAGES[words.language], sanitize=False).classes("languages")
        with ui.element("div").classes("board"):
            with _panel("alerts-panel", words.open_alerts, words.newest_first):
                self._open = _html("scroll")
                self._open.on("click", self._row_chosen, js_handler=_CHOSEN)
                self._open.on("keydown.enter", self._row_chosen, js_handler=_CHOSEN)
            with _panel("cameras-panel", words.cameras):
                ui.html(panels.cameras(words, views.inventory), sanitize=False).classes("cameras")
            with _panel("trend-panel", words.trend, words.local_time):
                firing = [self._names.channel(alert.subject) for alert in look.firing]
                key = first_choice(views, channel, firing)
                if key is not None:
                    self._trend = Trend(views, words, key)
                    self._trend.build()
            with ui.element("div").classes("lists"):
                with _panel("detections-panel", words.detections):
                    self._detections = _html("scroll")
                with _panel("resolved-panel", words.resolved):
                    self._resolved = _html("scroll")
            self._loggers_panel = _panel("loggers-panel", words.loggers, words.worst_first)
            with self._loggers_panel, ui.element("div").classes("loggers-both"):
                self._loggers = _html("scroll")
                self._loggers.on("click", self._logger_chosen, js_handler=_CHOSEN_LOGGER)
                self._loggers.on("keydown.enter", self._logger_chosen, js_handler=_CHOSEN_LOGGER)
                self._detail = _html("scroll logger")
            self._strangers_panel = _panel("strangers-panel", words.strangers, words.last_first)
            with self._strangers_panel:
                self._strangers = _html("scroll")
        self._fill(look)
        await self._fill_logger(look)
        ui.timer(EVERY_S, self._tick)

    async def _tick(self) -> None:
        look = await self._board.look()
        self._fill(look)
        await self._fill_logger(look)
        if self._trend is not None:
            await self._trend.tick()

    def _fill(self, look: Look) -> None:
        words, names = self._words, self._names
        for element, content in (
            (self._header, panels.header(words, look)),
            (self._open, panels.open_alerts(words, names, look)),
            (self._resolved, panels.resolved_alerts(words, names, look)),
            (self._detections, panels.last_detections(words, names, look)),
        ):
            _show(element, content)
        self._strangers_panel.set_visibility(bool(look.strangers))
        _show(self._strangers, stranger_panel.stranger_rows(words, self._views.inventory, look))

    async def _fill_logger(self, look: Look) -> None:
        """The loggers, and one of them in full; nothing where none speaks HJ 212."""
        self._loggers_panel.set_visibility(bool(look.loggers))
        if not look.loggers:
            return
        words, inventory = self._words, self._views.inventory
        chosen = look.loggers[0].device if self._logger is None else self._logger
        _show(self._loggers, logger_panel.logger_rows(words, inventory, look, chosen))
        found, told = await run_in_threadpool(self._look_at, chosen)
        if found is not None:
            _show(self._detail, logger_panel.logger_detail(words, inventory, found, told, look.taken))

    def _look_at(self, device: int) -> tuple[LoggerView | None, list[KeptEvent]]:
        """What is known of one logger, and what it told of late. Reads the ledger."""
        views = self._views
        site, _, name = logger_panel.name_of(views.inventory, device).partition("/")
        found = views.loggers.views([device])
        return (found[0] if found else None), views.ledger.device_events(site, name, logger_panel.EVENTS_SHOWN)

    async def _logger_chosen(self, event: events.GenericEventArguments) -> None:
        if isinstance(event.args, str):
            site, _, device = event.args.partition("/")
            self._logger = self._views.inventory.device_numbers.get((site, device))
            await self._fill_logger(await self._board.look())

    async def _row_chosen(self, event: events.GenericEventArguments) -> None:
        if self._trend is not None and isinstance(event.args, str):
            await self._trend.show(event.args)


_CHOSEN_LOGGER: Final = "(e) => { const row = e.target.closest('[data-logger]'); if (row) emit(row.dataset.logger); }"
_CHOSEN: Final = "(e) => { const row = e.target.closest('[data-channel]'); if (row) emit(row.dataset.channel); }"
_LANGUAGES: Final = {
    "en": '<b>EN</b><a href="/zh" lang="zh" data-language="zh">中文</a>',
    "zh": '<a href="/?lang=en" lang="en" data-language="en">EN</a><b>中文</b>',
}
_MARK: Final = (
    '<svg class="mark" viewBox="0 0 32 32" aria-hidden="true"><rect width="32" height="32" rx="7"/>'
    '<path d="M5 20h5l3-9 5 14 3.5-10 1.5 5H27"/></svg>'
)


def _brand(name: str, version: str, words: Words) -> str:
    return (
        f'<div class="brand">{_MARK}<div><b>{panels.escape(name)}</b>'
        f"<small>{words.title} · {panels.escape(version)}</small></div></div>"
    )


def _show(element: ui.html, content: str) -> None:
    if element.content != content:
        element.set_content(content)


def _html(classes: str) -> ui.html:
    """A place for a panel's HTML, which `panels` has escaped already."""
    return ui.html("", sanitize=False).classes(classes)


def _panel(name: str, title: str, note: str = "") -> ui.element:
    with ui.element("section").classes(f"panel {name}") as section:
        ui.html(f"<h2>{title}</h2><span>{note}</span>", sanitize=False).classes("title")
    return section
