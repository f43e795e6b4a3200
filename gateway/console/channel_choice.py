"""Which channel the chart shows: what can be chosen, and its name in the page's address."""

from __future__ import annotations

from gateway.api.views import Views
from gateway.channels import PERIODS, ChannelKey
from gateway.console.words import Words
from gateway.inventory import Inventory, LimitRule


def path_of(inventory: Inventory, key: ChannelKey) -> str:
    """`site/device/factor/field/period`."""
    device = inventory.devices[key.device]
    return "/".join((inventory.sites[device.site].id, device.id, key.factor, key.field, key.period))


def key_of(inventory: Inventory, path: str) -> ChannelKey | None:
    """The channel of a path, None where it names none that the inventory can have."""
    parts = path.split("/")
    if len(parts) != 5 or parts[4] not in PERIODS:
        return None
    device = inventory.device_numbers.get((parts[0], parts[1]))
    return None if device is None else ChannelKey(device, parts[2], parts[3], parts[4])


def first_choice(views: Views, path: str, firing: list[str]) -> ChannelKey | None:
    """What to show when the page opens: what the address asks for, an exceedance, a channel with a limit, any."""
    inventory = views.inventory
    for candidate in (path, *firing):
        key = key_of(inventory, candidate)
        if key is not None:
            return key
    for rule in inventory.limits:
        return ChannelKey(rule.device, rule.factor, rule.field, rule.period)
    for number, device in enumerate(inventory.devices):
        for factor in device.factors:
            return ChannelKey(number, factor.code, "Rtd", "realtime")
    return None


def rules_of(inventory: Inventory, key: ChannelKey) -> list[LimitRule]:
    """The limits of a channel."""
    return [rule for rule in inventory.limits if key == ChannelKey(rule.device, rule.factor, rule.field, rule.period)]


def unit_of(inventory: Inventory, key: ChannelKey) -> str:
    """The unit of a channel, empty where the inventory does not know its factor."""
    return next((factor.unit for factor in inventory.devices[key.device].factors if factor.code == key.factor), "")


def series_of(inventory: Inventory, words: Words, device: int) -> dict[str, str]:
    """What a device can show, `factor/field/period` to a label: the real-time value of each factor, and all limits."""
    keys = [ChannelKey(device, factor.code, "Rtd", "realtime") for factor in inventory.devices[device].factors]
    keys += [
        ChannelKey(device, rule.factor, rule.field, rule.period) for rule in inventory.limits if rule.device == device
    ]
    return {"/".join(key[1:]): _label(inventory, words, key) for key in keys}


def _label(inventory: Inventory, words: Words, key: ChannelKey) -> str:
    factors = inventory.devices[key.device].factors
    name = next((words.pick(factor.name) for factor in factors if factor.code == key.factor), key.factor)
    text = name if name == key.factor else f"{name} ({key.factor})"
    if key.field != "Rtd":
        text += f" · {key.field}"
    return text if key.period == "realtime" else f"{text} · {words.periods[key.period]}"
