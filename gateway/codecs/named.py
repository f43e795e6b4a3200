"""Who a payload is of, where the payload may say it: devices by id or MN, cameras by id."""

from __future__ import annotations

from gateway.codecs.seam import site_of
from gateway.inventory import Inventory
from gateway.reasons import BadPayload, Reason, shown


class Named:
    """Finds devices and cameras by the names payloads give them.

    A topic's own device or camera wins: a payload that names another is refused, but for one that it carries. Where
    the topic names a site, only its devices and cameras are meant, and nobody where it names what is not ours. An id
    that two sites use does not tell which is meant; an MN does.
    """

    def __init__(self, inventory: Inventory) -> None:
        self._inventory = inventory
        self._device_ids = _by_id([device.id for device in inventory.devices])
        self._camera_ids = _by_id([camera.id for camera in inventory.cameras])

    def device(self, number: int, name: str | None) -> int:
        """Device number; `number` is what the topic says, as `Codec.decode` has it. Raises `BadPayload`."""
        devices = self._inventory.devices
        if number >= 0:
            own = devices[number]
            if name is None or name == own.id or (name and name == own.mn):
                return number
            carried = self._inventory.carried_by(number, name)
            if carried is not None:
                return carried
            detail = f"the payload is of device {shown(name)}, but the topic names {shown(own.id)}"
            raise BadPayload(Reason.DEVICE_MISMATCH, detail, name)
        if name is None:
            raise BadPayload(Reason.UNKNOWN_DEVICE, "neither topic nor payload names a device of the inventory")
        site = site_of(number)
        found = self._inventory.mn_numbers.get(name) if name else None
        if found is not None and site in (None, devices[found].site):
            return found
        ids = [each for each in self._device_ids.get(name, ()) if site in (None, devices[each].site)]
        if len(ids) == 1:
            return ids[0]
        if ids:
            detail = f"device {shown(name)} is an id at more than one site; give the MN, or {{site}} in the topic"
            raise BadPayload(Reason.UNKNOWN_DEVICE, detail, name)
        raise BadPayload(Reason.UNKNOWN_DEVICE, f"device {shown(name)} is no id and no MN of {self._where(site)}", name)

    def camera(self, number: int, name: str | None) -> int:
        """Camera number; `number` is what the topic says, as `Codec.decode` has it. Raises `BadPayload`."""
        cameras = self._inventory.cameras
        if number >= 0:
            own = cameras[number].id
            if name is None or name == own:
                return number
            detail = f"the payload is of camera {shown(name)}, but the topic names {shown(own)}"
            raise BadPayload(Reason.CAMERA_MISMATCH, detail, name)
        if name is None:
            raise BadPayload(Reason.UNKNOWN_CAMERA, "the topic names no camera of the inventory")
        site = site_of(number)
        ids = [each for each in self._camera_ids.get(name, ()) if site in (None, cameras[each].site)]
        if len(ids) == 1:
            return ids[0]
        if ids:
            detail = f"camera {shown(name)} is an id at more than one site; put {{site}} or {{camera}} into the topic"
            raise BadPayload(Reason.UNKNOWN_CAMERA, detail, name)
        raise BadPayload(Reason.UNKNOWN_CAMERA, f"camera {shown(name)} is no id of {self._where(site)}", name)

    def _where(self, site: int | None) -> str:
        if site is None:
            return "the inventory"
        sites = self._inventory.sites
        return (
            f"site {sites[site].id!r}"
            if site < len(sites)
            else "those the topic names: none of the inventory, or several"
        )


def _by_id(ids: list[str]) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for number, name in enumerate(ids):
        found.setdefault(name, []).append(number)
    return found
