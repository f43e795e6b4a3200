"""Settings of `gateway run CONFIG.toml`, as models with safe defaults. The only place that reads the environment.

`docs/configuration.md` lists every key; a test holds the two together.
"""

from __future__ import annotations

import difflib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal, cast
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationInfo, field_validator, model_validator

from gateway.hj212.verdicts import WORDS

MIB = 1024 * 1024


def outside_data() -> Path:
    """Folder of real clips, series and frames for tests and benchmarks: GATEWAY_OUTSIDE_DATA, default `../shared`."""
    return Path(os.environ.get("GATEWAY_OUTSIDE_DATA", "../shared"))


def environment() -> Mapping[str, str]:
    """The environment, for `gateway.keys_file`: HJ212_KEY_<MN>, HJ212_PASSWORD_<MN> and what the keys file names."""
    return os.environ


class Misplaced(ValueError):
    """Mistakes that a check over several keys found, each with its place below the table that was checked."""

    def __init__(self, *mistakes: tuple[tuple[str | int, ...], str]) -> None:
        """Each mistake is a path, as `("links", 1, "name")`, and what is wrong there and what is expected."""
        super().__init__("; ".join(text for _, text in mistakes))
        self.mistakes = mistakes


def _from_file(path: Path, info: ValidationInfo) -> Path:
    """Paths in a file are relative to its folder, which the reader of the file hands over."""
    context = cast("dict[str, Path] | None", info.context)
    return context["folder"] / path if context else path


FromFile = Annotated[Path, AfterValidator(_from_file)]
"""A path that is relative to the configuration file."""

Identifier = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]{1,64}$")]
"""Becomes a topic level, a tag in the store and part of file names, so it is of few characters."""

Seconds = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class Section(BaseModel):
    """A table of the file: a key that is not known is a mistake, not ignored."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Secret(Section):
    """A user and where the password is: a file or an environment variable, never the configuration itself."""

    username: str = ""
    password_file: FromFile | None = None
    """Holds the password and nothing else; relative to the configuration file."""
    password_env: str = ""
    """Name of the environment variable that holds the password."""

    @model_validator(mode="after")
    def _one_source(self) -> Secret:
        if self.password_file is not None and self.password_env:
            raise Misplaced((("password_env",), "give password_file or password_env, not both"))
        if not self.username and (self.password_file is not None or self.password_env):
            raise Misplaced((("username",), "is missing: a password is given without a user"))
        return self

    @property
    def password(self) -> str | None:
        """The password, read now; None where no source is set. Raises OSError or KeyError when it is missing."""
        if self.password_file is not None:
            return self.password_file.read_text("utf-8").rstrip("\r\n")
        if self.password_env:
            return os.environ[self.password_env]
        return None


class Tls(Section):
    """TLS of a link: the system's authorities unless `ca_file` names others; a certificate of our own if asked."""

    ca_file: FromFile | None = None
    """Authorities to trust, PEM; without it those of the system."""
    cert_file: FromFile | None = None
    """Our certificate, PEM, where the broker asks for one."""
    key_file: FromFile | None = None
    """Private key of `cert_file`, PEM, without a pass phrase."""

    @model_validator(mode="after")
    def _pair(self) -> Tls:
        if (self.cert_file is None) != (self.key_file is None):
            absent = "cert_file" if self.cert_file is None else "key_file"
            raise Misplaced(((absent,), "is missing: cert_file and key_file go together"))
        return self


def _address(url: str, *schemes: str) -> str:
    """The address, checked. Raises ValueError."""
    expected = " or ".join(f"{scheme}://host[:port]" for scheme in schemes)
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise ValueError(f"expected {expected}, not {url!r} ({error})") from error
    if parts.scheme not in schemes or not parts.hostname or port == 0:
        raise ValueError(f"expected {expected}, not {url!r}")
    if parts.username is not None or parts.password is not None:
        raise ValueError("no user or password in the address: use login.username and login.password_file")
    return url


class Subscription(Section):
    """One topic template and the codec of what arrives there."""

    topic: Annotated[str, Field(min_length=1)]
    """MQTT topic with `{site}`, `{device}` or `{camera}` standing for one level each."""
    codec: Literal["auto", "json", "hj212", "jpeg"] = "auto"
    """How payloads are read; `auto` tells JSON and HJ 212 apart by their first bytes."""


class Broker(Section):
    """How to reach a broker; shared by links and by the publisher."""

    url: str = "mqtt://127.0.0.1:1883"
    """`mqtt://host:port`, or `mqtts://host:port` for TLS."""
    login: Secret = Secret()
    tls: Tls = Tls()

    @field_validator("url")
    @classmethod
    def _is_mqtt(cls, url: str) -> str:
        return _address(url, "mqtt", "mqtts")

    @property
    def host(self) -> str:
        return urlsplit(self.url).hostname or "127.0.0.1"

    @property
    def port(self) -> int:
        parts = urlsplit(self.url)
        return parts.port or (8883 if parts.scheme == "mqtts" else 1883)

    @property
    def secure(self) -> bool:
        return urlsplit(self.url).scheme == "mqtts"


class Link(Broker):
    """One connection to a broker, with a persistent session."""

    name: Identifier
    """Names the link in the journal, in metrics and in the log."""
    protocol: Literal["mqtt5", "mqtt311"] = "mqtt5"
    client_id: Identifier = "pollution-gateway"
    """The broker keeps the session under this name: no two gateways may share one."""
    qos: Literal[0, 1] = 1
    """1: the broker keeps what we have not acknowledged. 0: what is sent while we are away is lost."""
    subscribe: Annotated[tuple[Subscription, ...], Field(min_length=1)] = (
        Subscription(topic="pollution/{site}/{device}/data"),
        Subscription(topic="camera/{site}/{camera}/frame", codec="jpeg"),
    )
    keepalive_s: Annotated[int, Field(ge=5, le=3600)] = 30
    session_expiry_s: Annotated[int, Field(ge=60)] = 7 * 86_400
    """How long the broker keeps messages for us while we are away (MQTT 5)."""
    read_interval_ms: Annotated[float, Field(ge=0, le=1000)] = 5.0
    """Pause between two reads of the socket: fewer, larger reads cost less."""
    max_batch_bytes: Annotated[int, Field(ge=64 * 1024)] = MIB
    receive_max: Annotated[int, Field(ge=1, le=65_535)] = 20_000
    """Unacknowledged messages the broker may send; bounds what a crash makes it send again."""
    max_packet_bytes: Annotated[int, Field(ge=1024)] = 8 * MIB
    """Largest message the broker may send us; a camera frame must fit."""
    backoff_max_s: Seconds = 30.0
    """Longest wait between two attempts to connect."""
    will_topic: str = "gateway/{client_id}/status"
    """Last will: `offline` here, retained; `online` while connected. Empty: none."""
    reply_topic: str = "pollution/{site}/{device}/reply"
    """Where a device that speaks HJ 212 listens: replies to its frames and commands go here. Empty: none are sent."""


class Listener(Section):
    """A TCP port to which loggers connect and speak HJ 212 as the standard has it, without a broker."""

    name: Identifier
    """Names the listener in the journal, in metrics and in the log."""
    host: Annotated[str, Field(min_length=1)] = "127.0.0.1"
    """Address to listen on. HJ 212 sends passwords in the clear: other than loopback only within a closed network."""
    port: Annotated[int, Field(ge=0, le=65_535)] = 5212
    """0: a free one, named in the log."""
    password_required: bool = True
    """Whether an MN without a password in `hj212.keys_file` is turned away; one with a password must always send it."""
    max_connections: Annotated[int, Field(ge=1, le=65_535)] = 4096
    """More are closed at once, and counted."""
    idle_s: Seconds = 1800.0
    """A connection that sends nothing for so long is closed."""
    login_s: Seconds = 30.0
    """A connection that has sent no frame of a known device for so long is closed."""
    max_pending_kib: Annotated[int, Field(ge=16)] = 256
    """Bytes of one connection that wait to be journalled; at this bound it is not read any further."""
    max_batch_bytes: Annotated[int, Field(ge=64 * 1024)] = MIB
    """Bytes of all connections that wait to be journalled; at this bound none is read any further."""
    max_stray_bytes: Annotated[int, Field(ge=1024)] = 64 * 1024
    """A connection that has sent so much that is no frame is closed."""
    read_interval_ms: Annotated[float, Field(ge=0, le=1000)] = 5.0
    """Pause between two batches: fewer, larger ones cost less."""


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


def _known_verdict(word: str) -> str:
    if word not in WORDS:
        matches = difflib.get_close_matches(word, WORDS, 1)
        raise ValueError(f"no verdict {word!r} is known" + (f"; did you mean {matches[0]!r}?" if matches else ""))
    return word


VerdictWord = Annotated[str, AfterValidator(_known_verdict)]
"""A word of `gateway.hj212.verdicts`."""


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


class DuckDb(Section):
    kind: Literal["duckdb"] = "duckdb"
    file: Path = Path("readings.duckdb")
    """Relative to `data`."""


class Influx(Section):
    kind: Literal["influxdb"] = "influxdb"
    url: str = "http://127.0.0.1:8086"
    org: Annotated[str, Field(min_length=1)]
    bucket: Annotated[str, Field(min_length=1)]
    token_file: FromFile | None = None
    """Holds the token and nothing else; relative to the configuration file."""
    token_env: str = ""
    """Name of the environment variable that holds the token."""
    timeout_s: Seconds = 10.0

    @field_validator("url")
    @classmethod
    def _is_http(cls, url: str) -> str:
        return _address(url, "http", "https")

    @model_validator(mode="after")
    def _one_source(self) -> Influx:
        if self.token_file is not None and self.token_env:
            raise Misplaced((("token_env",), "give token_file or token_env, not both"))
        return self


class Influx1(Section):
    kind: Literal["influxdb1"] = "influxdb1"
    url: str = "http://127.0.0.1:8086"
    database: Annotated[str, Field(min_length=1)]
    retention_policy: str = ""
    """Empty: the database's default."""
    login: Secret = Secret()
    timeout_s: Seconds = 10.0

    @field_validator("url")
    @classmethod
    def _is_http(cls, url: str) -> str:
        return _address(url, "http", "https")


Store = Annotated[DuckDb | Influx | Influx1, Field(discriminator="kind")]


class Writer(Section):
    batch_rows: Annotated[int, Field(ge=1)] = 50_000
    """Most rows in one write."""
    linger_ms: Annotated[float, Field(ge=0)] = 500.0
    """Longest wait for a write to fill."""
    backoff_max_s: Seconds = 30.0
    """Longest wait between two attempts to write."""


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
    journal: Journal = Journal()
    decode: Decode = Decode()
    hj212: Hj212 = Hj212()
    store: Store = DuckDb()
    writer: Writer = Writer()
    publish: Publish = Publish()
    frames: Frames = Frames()
    api: Api = Api()
    silence_check_s: Seconds = 1.0
    """Time between two looks for devices that have fallen silent."""

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
