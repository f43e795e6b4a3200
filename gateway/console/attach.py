"""Attach the console to the API's application: `/` in English, `/zh` in Chinese, the page's own files under `/console`.

NiceGUI keeps one application for the process. So one console is served at a time; it may be stopped and another be
attached, as tests do.
"""

# pyright: reportUnknownMemberType=false
# NiceGUI leaves the parameters of its generic types open.
from __future__ import annotations

from pathlib import Path
from typing import Final

from fastapi import FastAPI, Request
from fastapi.responses import RedirectResponse
from fastapi.staticfiles import StaticFiles
from nicegui import core, ui
from starlette.types import Receive, Scope, Send

from gateway.api.views import Views
from gateway.console.board import Board
from gateway.console.page import Page
from gateway.console.panels import Names
from gateway.console.words import CHINESE, ENGLISH, Words, choose

_FILES: Final = Path(__file__).parent / "static"
_RECONNECT_S: Final = 3.0


def attach(app: FastAPI, views: Views) -> None:
    """Serve the console on this application; the API's routes come before it."""
    board, names = Board(views), Names(views.inventory)
    version = views.about()["version"]

    async def build(request: Request, words: Words) -> None:
        ui.add_head_html(_HEAD.format(version=version, language=words.html_lang))
        await Page(views, board, words, names).build(request.query_params.get("channel", ""))

    @ui.page("/", language=ENGLISH.html_lang)
    async def english(request: Request) -> RedirectResponse | None:  # pyright: ignore[reportUnusedFunction]
        asked = request.query_params.get("lang")
        if choose(asked, request.headers.get("accept-language", "")) is CHINESE:
            return RedirectResponse(request.url.replace(path="/zh", scheme="", netloc=""))
        return await build(request, ENGLISH)

    @ui.page("/zh", language=CHINESE.html_lang)
    async def chinese(request: Request) -> None:  # pyright: ignore[reportUnusedFunction]
        await build(request, CHINESE)

    app.mount("/console", StaticFiles(directory=_FILES))
    core.app.middleware_stack = None  # a console before this one has left it, and it takes no middleware any more
    core.app.user_middleware.clear()
    ui.run_with(
        app,
        title=ENGLISH.title,
        favicon=_FILES / "icon.svg",
        tailwind=False,
        binding_refresh_interval=None,
        reconnect_timeout=_RECONNECT_S,
        message_history_length=100,
        gzip_middleware_factory=None,
        show_welcome_message=False,
    )
    _serve_last(app)


def _serve_last(app: FastAPI) -> None:
    """Let NiceGUI have what no route of ours takes, in place of its mount, which would hide our 404 and 405."""
    mount = app.router.routes.pop()
    refuse = app.router.default

    async def console(scope: Scope, receive: Receive, send: Send) -> None:
        ours = scope["type"] == "http" and scope["path"].startswith("/api/")
        await (refuse if ours else mount.handle)(scope, receive, send)

    app.router.default = console


_HEAD: Final = """
<link rel="stylesheet" href="/console/console.css?{version}">
<script type="module" src="/console/console.js?{version}"></script>
<script>document.documentElement.lang = "{language}";</script>
"""
