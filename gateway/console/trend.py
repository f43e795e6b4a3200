"""The trend panel: a chart of one channel, filled from the store and kept up to date from the newest readings."""

# pyright: reportUnknownMemberType=false
# NiceGUI leaves the parameters of its generic types open.
from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any, Final, cast

import numpy as np
from nicegui import ui
from starlette.concurrency import run_in_threadpool

from gateway.api.views import Views
from gateway.channels import ChannelKey
from gateway.console import chart
from gateway.console.channel_choice import key_of, path_of, rules_of, series_of, unit_of
from gateway.console.words import MINUTE, Words
from gateway.errors import StoreError
from gateway.inventory import Site

RELOAD_MS: Final = 15_000
"""The store is asked again after so long: for what came between two looks at the newest reading, and what was late."""
REDRAW_MS: Final = 5_000
"""Without a new reading the chart still moves on after so long."""
MOST_READ: Final = 100_000
"""Points read for one window: a day of one a second and some."""
_PROPS: Final = "outlined dense options-dense"


class Trend:
    """One page's chart. `build` puts it in the current place of the page, `tick` keeps it up to date."""

    def __init__(self, views: Views, words: Words, key: ChannelKey) -> None:
        self._views = views
        self._words = words
        self._key = key
        self._window = 10 * MINUTE
        self._time = np.zeros(0, np.int64)
        self._value = np.zeros(0, np.float64)
        self._loaded = 0
        self._drawn = 0
        self._setting = False
        """True while the selects are set by the page itself."""

    def build(self) -> None:
        """Create the elements, without points yet."""
        words = self._words
        with ui.element("div").classes("choices"):
            self._site = ui.select([], label=words.site, on_change=self._site_chosen).props(_PROPS)
            self._device = ui.select([], label=words.device, on_change=self._device_chosen).props(_PROPS)
            self._series = ui.select([], label=words.factor, on_change=self._series_chosen).props(_PROPS)
            self._span = ui.toggle(words.windows, value=self._window, on_change=self._window_chosen)
            self._span.props("unelevated dense no-caps").classes("windows")
        self._note = ui.label().classes("note")
        self._chart = ui.echart(self._options(self._views.clock())).classes("trend")
        self._show_choice()

    async def show(self, path: str) -> None:
        """Show another channel, named as in the page's address."""
        key = key_of(self._views.inventory, path)
        if key is not None and key != self._key:
            await self._choose(key)

    async def tick(self) -> None:
        """Take the newest reading, and look into the store now and then."""
        now = self._views.clock()
        if now - self._loaded >= RELOAD_MS:
            await self._load()
        elif self._take_newest() or now - self._drawn >= REDRAW_MS:
            self._draw()

    async def _choose(self, key: ChannelKey) -> None:
        self._key = key
        self._show_choice()
        address = json.dumps(path_of(self._views.inventory, key))
        ui.run_javascript(f"setChannel({address})")
        await self._load()

    async def _load(self) -> None:
        key, now = self._key, self._views.clock()
        self._loaded = now
        try:
            series = await run_in_threadpool(self._views.query, key, now - self._window, now + MINUTE, MOST_READ)
        except StoreError:
            self._note.set_text(self._words.store_away)
        else:
            if key != self._key:
                return  # another one was chosen meanwhile
            self._note.set_text("")
            self._time, self._value = series.time, series.value
        self._take_newest()
        self._draw()

    def _take_newest(self) -> bool:
        number = self._views.channels.find(self._key)
        if number is None:
            return False
        newest = self._views.live.newest([number])
        now = self._views.clock()
        if newest.time[0] <= (self._time[-1] if len(self._time) else now - self._window):
            return False
        if newest.time[0] > now + MINUTE:
            return False  # a stamp of the year 2099 would be newer than all that follows
        self._time = np.append(self._time, newest.time)
        self._value = np.append(self._value, newest.value)
        return True

    def _draw(self) -> None:
        now = self._views.clock()
        self._drawn = now
        inside = self._time >= now - self._window
        self._time, self._value = self._time[inside], self._value[inside]
        self._chart.options.clear()
        self._chart.options.update(self._options(now))
        self._chart.update()

    def _options(self, now: int) -> dict[str, Any]:
        inventory, key = self._views.inventory, self._key
        site = inventory.sites[inventory.devices[key.device].site]
        time, value = chart.thin(self._time, self._value)
        return chart.options(
            self._words,
            unit_of(inventory, key),
            rules_of(inventory, key),
            time,
            value,
            (now - self._window, now),
            _shift(site, now),
        )

    def _show_choice(self) -> None:
        """Make the selects say what is shown."""
        inventory, words, key = self._views.inventory, self._words, self._key
        device = inventory.devices[key.device]
        self._setting = True
        try:
            used = {each.site for each in inventory.devices}
            sites = {s.id: words.pick(s.name) for n, s in enumerate(inventory.sites) if n in used}
            self._site.set_options(sites, value=inventory.sites[device.site].id)
            devices = {d.id: words.pick(d.name) for d in inventory.devices if d.site == device.site}
            self._device.set_options(devices, value=device.id)
            series = series_of(inventory, words, key.device)
            chosen = "/".join(key[1:])
            self._series.set_options({chosen: chosen, **series}, value=chosen)
        finally:
            self._setting = False

    async def _site_chosen(self) -> None:
        if not self._setting:
            site = next(n for n, s in enumerate(self._views.inventory.sites) if s.id == self._site.value)
            await self._choose_device(next(n for n, d in enumerate(self._views.inventory.devices) if d.site == site))

    async def _device_chosen(self) -> None:
        if not self._setting:
            chosen = (cast("str", self._site.value), cast("str", self._device.value))
            await self._choose_device(self._views.inventory.device_numbers[chosen])

    async def _choose_device(self, device: int) -> None:
        """The same factor of another device where it has it, else its first, one with a limit before others."""
        series = list(series_of(self._views.inventory, self._words, device))
        same = "/".join(self._key[1:])
        keys = [ChannelKey(device, *name.split("/")) for name in ([same] if same in series else series)]
        with_limit = [key for key in keys if rules_of(self._views.inventory, key)]
        if keys:
            await self._choose((with_limit or keys)[0])

    async def _series_chosen(self) -> None:
        if not self._setting:
            await self._choose(ChannelKey(self._key.device, *cast("str", self._series.value).split("/")))

    async def _window_chosen(self) -> None:
        self._window = cast("int", self._span.value)
        await self._load()


def _shift(site: Site, now: int) -> int:
    """The site's offset from UTC in ms."""
    offset = datetime.fromtimestamp(now / 1000, UTC).astimezone(site.zone).utcoffset()
    assert offset is not None
    return int(offset.total_seconds() * 1000)
