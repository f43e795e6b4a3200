"""The page in a real browser, served by a real server; nothing is asked for outside 127.0.0.1."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from made_up_views import NOW, MadeUp, exceedance, make_views
from playwright.sync_api import Browser, Page, expect, sync_playwright

from gateway.api.server import ApiServer
from gateway.config import Api

pytestmark = pytest.mark.browser

CHROMIUM = Path("/usr/bin/chromium")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if not CHROMIUM.exists():
        pytest.skip(f"{CHROMIUM} is not installed (Debian package chromium)")
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=str(CHROMIUM), args=ARGUMENTS)
        yield launched
        launched.close()


@pytest.fixture
def made_up() -> MadeUp:
    return make_views()


@pytest.fixture
def address(made_up: MadeUp) -> Iterator[str]:
    """The console of a gateway; each test has its own, one after the other in this process."""
    server = ApiServer(made_up.views, Api(port=0))
    port = server.start()
    yield f"http://127.0.0.1:{port}"
    server.stop()


class Watched:
    """What a page asked for, and what went wrong in it."""

    def __init__(self, page: Page) -> None:
        self.hosts: set[str] = set()
        self.mistakes: list[str] = []
        page.on("request", lambda request: self.hosts.add(urlsplit(request.url).hostname or "local"))
        page.on("websocket", lambda socket: self.hosts.add(urlsplit(socket.url).hostname or "local"))
        page.on("pageerror", lambda error: self.mistakes.append(str(error)))
        page.on("console", lambda message: self._said(message.type, message.text))

    def _said(self, kind: str, text: str) -> None:
        if kind == "error" and "404" not in text:  # a camera without a frame yet
            self.mistakes.append(text)


@pytest.fixture
def page(browser: Browser, address: str) -> Iterator[Page]:
    """A page that must be closed before its server stops."""
    assert address
    opened = browser.new_page(viewport={"width": 1440, "height": 900}, locale="en-US")
    watched = Watched(opened)
    yield opened
    opened.close()
    assert watched.mistakes == []
    assert watched.hosts <= {"127.0.0.1", "local"}


def series(page: Page) -> list[dict[str, object]]:
    """What the chart draws, as ECharts has it."""
    return page.evaluate(
        """() => {
            const element = document.querySelector('.trend');
            const found = getElement(Number(element.id.slice(1)));
            return found.chart.getOption().series;
        }"""
    )


def test_it_shows_an_open_alert_in_both_languages_and_switches_between_them(page: Page, address: str) -> None:
    page.goto(address)
    row = page.locator("tr[data-alert=e-0001]")
    expect(row).to_contain_text("Sulphur dioxide")
    expect(page.locator(".alerts")).to_contain_text(exceedance().text_zh)
    expect(page.locator("html")).to_have_attribute("lang", "en-US")
    page.get_by_text("中文", exact=True).click()
    expect(row).to_contain_text("二氧化硫")
    expect(page.locator(".alerts")).to_contain_text(exceedance().text_en)
    expect(page.locator(".alerts-panel h2")).to_have_text("未解除报警")
    expect(page.locator("html")).to_have_attribute("lang", "zh-CN")
    page.get_by_text("EN", exact=True).click()
    expect(row).to_contain_text("Sulphur dioxide")


def test_a_browser_that_prefers_chinese_is_led_to_the_chinese_page(browser: Browser, address: str) -> None:
    chinese = browser.new_page(locale="zh-CN")
    chinese.goto(address + "/?channel=east/stack-2/a21026/Rtd/realtime")
    expect(chinese).to_have_url(re.compile(r"/zh\?channel=east"))
    expect(chinese.locator(".alerts-panel h2")).to_have_text("未解除报警")
    chinese.close()


def test_what_happens_while_it_is_open_appears(page: Page, address: str, made_up: MadeUp) -> None:
    page.goto(address)
    figure = page.locator("[data-figure=open] .number")
    expect(figure).to_have_text("3")
    made_up.ledger.kept.append(exceedance(since=NOW - 1000, id="e-0009", level=2))
    expect(page.locator("tr[data-alert=e-0009]")).to_be_visible()
    expect(figure).to_have_text("4")
    made_up.ledger.kept.clear()
    expect(page.locator(".alerts-panel")).to_contain_text("No open alerts")


def test_the_chart_shows_the_channel_of_an_exceedance_with_its_limits_and_takes_new_readings(
    page: Page, address: str, made_up: MadeUp
) -> None:
    page.goto(address)
    page.wait_for_function("() => document.querySelector('.trend canvas')")
    page.wait_for_function(
        "getElement(Number(document.querySelector('.trend').id.slice(1))).options.series[0].data.length > 100"
    )
    (line,) = series(page)
    assert [mark["yAxis"] for mark in line["markLine"]["data"]] == [35, 50]  # pyright: ignore
    assert line["markArea"]["data"]  # pyright: ignore
    made_up.measure(61.5, NOW - 100)
    page.wait_for_function(
        "getElement(Number(document.querySelector('.trend').id.slice(1))).options.series[0].data.at(-1)[1] === 61.5"
    )


def test_choosing_a_device_or_an_alert_changes_the_chart_and_the_address(page: Page, address: str) -> None:
    page.goto(address + "/?channel=river/outlet/w01018/Rtd/realtime")
    factor = page.locator(".choices .q-select").nth(2)
    expect(factor).to_contain_text("COD")
    page.locator("tr[data-alert=e-0001]").click()
    expect(factor).to_contain_text("Sulphur dioxide")
    expect(page).to_have_url(re.compile("channel=east%2Fstack-1%2Fa21026"))
    page.locator(".choices .q-select").nth(1).click()
    page.get_by_role("option", name="Stack 2").click()
    expect(page).to_have_url(re.compile("channel=east%2Fstack-2%2Fa21026"))


def test_without_the_store_it_says_so_and_goes_on_with_live_values(page: Page, address: str, made_up: MadeUp) -> None:
    made_up.store.away = True
    made_up.measure(12.0, NOW - 100)
    page.goto(address)
    expect(page.locator(".note", has_text="does not answer")).to_be_visible()
    page.wait_for_function(
        "getElement(Number(document.querySelector('.trend').id.slice(1))).options.series[0].data.at(-1)?.[1] === 12"
    )


def test_a_camera_shows_its_newest_frame_with_box_and_moving_zone(page: Page, address: str, made_up: MadeUp) -> None:
    page.goto(address)
    gate = page.locator("figure[data-camera=gate]")
    expect(gate.locator(".none")).to_be_visible()
    made_up.show_frame(captured=NOW)
    expect(gate.locator("img")).to_be_visible()
    expect(gate.locator("rect.box")).to_have_attribute("width", "52")
    expect(gate.locator("polygon.zone.moving")).to_have_count(1)
    expect(gate.locator("time")).to_have_text("16:00:00")
    assert gate.locator("img").evaluate("image => [image.naturalWidth, image.naturalHeight]") == [640, 360]
    made_up.show_frame(captured=NOW + 5000)
    expect(gate.locator("time")).to_have_text("16:00:05")


def test_loggers_are_shown_worst_first_and_a_click_shows_one_in_full(page: Page, address: str) -> None:
    page.goto(address)
    rows = page.locator("tr[data-logger]")
    expect(rows.nth(0)).to_contain_text("Outlet")
    expect(page.locator(".logger h3")).to_contain_text("Outlet")
    page.locator("tr[data-logger='east/stack-1']").click()
    expect(page.locator(".logger h3")).to_contain_text("Stack 1")
    expect(page.locator(".logger")).to_contain_text("There are blanks around names")
    expect(page.locator("tr.chosen")).to_contain_text("Stack 1")
    page.goto(address + "/zh")
    expect(page.locator(".loggers-panel h2")).to_have_text("数采仪（HJ 212）")
    expect(page.locator(".logger")).to_contain_text("缺少请求编码 QN")


def test_without_a_logger_there_is_no_panel_of_them(page: Page, address: str, made_up: MadeUp) -> None:
    made_up.forget_loggers()
    page.goto(address)
    expect(page.locator("tr[data-alert=e-0001]")).to_be_visible()
    expect(page.locator(".loggers-panel")).to_be_hidden()


def test_markup_in_an_alert_is_shown_as_text(page: Page, address: str) -> None:
    page.goto(address)
    expect(page.locator(".alerts")).to_contain_text("<b>since</b>")


def test_a_hostile_topic_in_the_list_of_strangers_is_text_and_runs_nothing(page: Page, address: str) -> None:
    opened: list[str] = []
    page.on("dialog", lambda dialog: (opened.append(dialog.message), dialog.dismiss()))
    page.goto(address)
    strangers = page.locator(".strangers-panel")
    expect(strangers).to_contain_text("NEW-1")
    expect(strangers).to_contain_text(r"x/<img src=x onerror=alert(1)>\u202e/\x1b[2J")
    expect(strangers.locator("img")).to_have_count(0)
    page.goto(f"{address}/zh")
    expect(page.locator(".strangers-panel")).to_contain_text("名录外来源")
    assert opened == []


@pytest.mark.parametrize("width", [1440, 1024])
def test_nothing_is_wider_than_the_window(page: Page, address: str, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    page.goto(address)
    expect(page.locator("tr[data-alert=e-0001]")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_stopping_the_server_with_an_open_page_ends_its_thread(browser: Browser) -> None:
    server = ApiServer(make_views().views, Api(port=0))
    port = server.start()
    open_page = browser.new_page()
    open_page.goto(f"http://127.0.0.1:{port}")
    expect(open_page.locator(".figure").first).to_be_visible()
    server.stop()
    assert f"api-{port}" not in [thread.name for thread in threading.enumerate()]
    open_page.close()


def test_the_api_keeps_its_own_answers_beside_the_page(page: Page, address: str) -> None:
    assert page.request.get(address + "/api/v1/weather").headers["content-type"] == "application/problem+json"
    assert page.request.post(address + "/api/v1/sites").status == 405
    assert page.request.get(address + "/nowhere").status == 404
