"""Settings of `gateway run CONFIG.toml`, as models with safe defaults. Larger groups have files beside it.

`docs/configuration.md` lists every key; a test holds the two together.
"""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from gateway.config_base import (
    MIB,
    FromFile,
    Identifier,
    Misplaced,
    Seconds,
    Secret,
    Section,
    ServerTls,
    Tls,
    environment,
    outside_data,
)
from gateway.config_links import Broker, Link, Listener
from gateway.config_payloads import CAMERA_CODECS, JsonMapping, LineFormat, Subscription
from gateway.config_stores import DuckDb, Influx, Influx1, Store, Writer
from gateway.hj212.verdicts import WORDS

__all__ = [
    "CAMERA_CODECS",
    "MIB",
    "Api",
    "Broker",
    "Clocks",
    "Config",
    "Decode",
    "DuckDb",
    "Frames",
    "FromFile",
    "Hj212",
    "Identifier",
    "Influx",
    "Influx1",
    "Journal",
    "JsonMapping",
    "LineFormat",
    "Link",
    "Listener",
    "Misplaced",
    "Publish",
    "Seconds",
    "Secret",
    "Section",
    "ServerTls",
    "Store",
    "Subscription",
    "Tls",
    "VerdictWord",
    "Writer",
    "environment",
    "outside_data",
]


class Journal(Section):
    max_mib: Annotated[int, Field(ge=16)] = 4096
    """Bound on disk. When readers fall so far behind, acknowledgements stop: the broker holds the rest."""
    segment_mib: Annotated[int, Field(ge=1)] = 64
    """Size of one file, at most half of `max_mib`; a file is deleted when every reader has passed it."""
    warn_share: Annotated[float, Field(gt=0, lt=1)] = 0.5
    """Share of `max_mib` from which the gateway warns."""


class Decode(Section):
    unknown_devices: Literal["dead_letter", "accept"] = "dead_letter"
    """What a message of a device outside the inventory becomes."""
    max_channels: Annotated[int, Field(ge=1)] = 1_000_000
    """Different device, factor, field and period together; a message that would add more is a dead letter."""
    max_factors: Annotated[int, Field(ge=1)] = 2_000
    """Factors in one message; a message with more is a dead letter."""
    dead_letters_kept: Annotated[int, Field(ge=100)] = 100_000
    """Newest dead letters kept; older ones go and are counted."""
    new_devices_per_minute: Annotated[int, Field(ge=1, le=10_000)] = 60
    """New names outside the inventory that are taken in; messages of those beyond are dropped and counted."""


def _known_verdict(word: str) -> str:
    if word not in WORDS:
        matches = difflib.get_close_matches(word, WORDS, 1)
        raise ValueError(f"no verdict {word!r} is known" + (f"; did you mean {matches[0]!r}?" if matches else ""))
    return word


VerdictWord = Annotated[str, AfterValidator(_known_verdict)]
"""A word of `gateway.hj212.verdicts`."""


class Clocks(Section):
    """When the clock of a device is wrong, and when a reading came early or late."""

    judge: bool = True
    """Whether clocks are judged: not where old data are played again."""
    ahead_s: Seconds = 60.0
    """A reading stamped so much later than it was received is early, and its device's clock is ahead."""
    behind_s: Seconds = 60.0
    """A clock is behind when even the quickest messages of ten minutes come so long after their stamps."""
    drift_s_per_day: Seconds = 20.0
    """A clock that gains or loses so much a day over hours is drifting."""
    late_s: Seconds = 600.0
    """A reading received so long after it was due, from a clock that is right, is late."""


class Hj212(Section):
    """How HJ 212 frames are read, answered and asked for, whatever link brings them."""

    keys_file: FromFile | None = None
    """TOML with the SM4 keys and passwords of each MN; relative to the configuration file."""
    quarantine: tuple[VerdictWord, ...] = ("crc_wrong", "crc_swapped", "crc_modbus", "password_wrong", "key_unknown")
    """Verdicts with which a frame is kept out of the store, as a dead letter; others are accepted and counted."""
    old_codes: Literal["translate", "keep"] = "translate"
    """Whether the numeric factor codes of 2005 are stored under the codes of 2017."""
    reply: bool = True
    """Whether frames that ask for a reply get one."""
    set_timeout_s: Seconds = 60.0
    """How long the packets of a split message may be apart before the set counts as incomplete."""
    request_timeout_s: Annotated[float, Field(ge=1, le=99)] = 10.0
    """Wait for an answer to a command before it is sent again (OverTime of the standard)."""
    request_retries: Annotated[int, Field(ge=0, le=99)] = 3
    """How often a command is sent again (ReCount of the standard)."""


class Publish(Section):
    """Where alerts and detections are published: over the first link's broker unless `broker` is given."""

    enabled: bool = True
    broker: Broker | None = None
    alert_topic: str = "alerts/{site}/{alert}"
    detection_topic: str = "detections/{site}/{camera}"


class Frames(Section):
    workers: Annotated[int, Field(ge=1, le=64)] = 1
    """Processes that decode and analyse camera frames."""
    evidence_mib: Annotated[int, Field(ge=1)] = 512
    """Bound on kept evidence pictures; the oldest go first and are counted."""


class Api(Section):
    enabled: bool = True
    host: Annotated[str, Field(min_length=1)] = "127.0.0.1"
    """Address to listen on. There is no login yet: other than loopback only behind something that asks for one."""
    port: Annotated[int, Field(ge=0, le=65_535)] = 8080
    """0: a free one, named in the log."""
    console: bool = True
    """Whether the page is served beside the API."""


class Config(Section):
    """The whole file, but for the inventory, which `gateway.inventory_file` reads from the same file or its own."""

    data: FromFile = Path("var/gateway")
    """Folder for journal, state, store and evidence; relative to the configuration file."""
    inventory: FromFile | None = None
    """File with `sites`, `types`, `devices` and `cameras`; without it they stand in this file."""
    links: tuple[Link, ...] = ()
    """Brokers to read from."""
    listeners: tuple[Listener, ...] = ()
    """TCP ports on which loggers are heard directly."""
    mappings: tuple[JsonMapping, ...] = ()
    """How vendors' JSON is read by the codec `mapped`."""
    journal: Journal = Journal()
    decode: Decode = Decode()
    hj212: Hj212 = Hj212()
    clocks: Clocks = Clocks()
    store: Store = DuckDb()
    writer: Writer = Writer()
    publish: Publish = Publish()
    frames: Frames = Frames()
    api: Api = Api()
    silence_check_s: Seconds = 1.0
    """Time between two looks for devices that have fallen silent."""

    @model_validator(mode="after")
    def _mappings_are_there(self) -> Config:
        known: dict[str, int] = {}
        mistakes: list[tuple[tuple[str | int, ...], str]] = []
        for number, mapping in enumerate(self.mappings):
            if (first := known.setdefault(mapping.name, number)) != number:
                mistakes.append((("mappings", number, "name"), f"{mapping.name!r} is the name of mappings.{first} too"))
        for number, link in enumerate(self.links):
            for row, each in enumerate(link.subscribe):
                if each.mapping is not None and each.mapping not in known:
                    place = ("links", number, "subscribe", row, "mapping")
                    matches = difflib.get_close_matches(each.mapping, known, 1)
                    hint = f"; did you mean {matches[0]!r}?" if matches else ""
                    mistakes.append((place, f"no mapping {each.mapping!r}{hint}"))
        if mistakes:
            raise Misplaced(*mistakes)
        return self

    @model_validator(mode="after")
    def _sources_differ(self) -> Config:
        if not self.links and not self.listeners:
            raise Misplaced((("links",), "is missing: without links or listeners nothing comes in"))
        if not self.links and self.publish.enabled and self.publish.broker is None:
            raise Misplaced((("publish",), "without links expected a broker, or enabled = false"))
        names: dict[str, int] = {}
        sessions: dict[tuple[str, int, str], int] = {}
        mistakes: list[tuple[tuple[str | int, ...], str]] = []
        for number, link in enumerate(self.links):
            first = names.setdefault(link.name, number)
            if first != number:
                mistakes.append((("links", number, "name"), f"{link.name!r} is the name of links.{first} too"))
            first = sessions.setdefault((link.host, link.port, link.client_id), number)
            if first != number:
                text = f"{link.client_id!r} on the same broker as links.{first}: the two would end each other's session"
                mistakes.append((("links", number, "client_id"), text))
        ports: dict[tuple[str, int], int] = {}
        for number, listener in enumerate(self.listeners):
            if listener.name in names or listener.name in (other.name for other in self.listeners[:number]):
                mistakes.append((("listeners", number, "name"), f"{listener.name!r} is the name of another source too"))
            first = ports.setdefault((listener.host, listener.port), number)
            if first != number and listener.port:
                mistakes.append((("listeners", number, "port"), f"{listener.port} is that of listeners.{first} too"))
        if mistakes:
            raise Misplaced(*mistakes)
        return self
