"""Settings of `gateway run CONFIG.toml`, as models with safe defaults. The only place that reads the environment.

`docs/configuration.md` lists every key; a test holds the two together.
"""

from __future__ import annotations

import difflib
import os
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Final, Literal, cast
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationInfo, field_validator, model_validator

from gateway.hj212.verdicts import WORDS
from gateway.json_paths import compile_path
from gateway.names import split_name

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


CAMERA_CODECS: Final = frozenset(("frigate", "onvif"))
"""Codecs of what edge nodes of cameras say."""
NAMED_CODECS: Final = frozenset(("senml", "line", "mapped"))
"""Codecs of readings whose payloads may name a device within the site that the topic names."""


class LineFormat(Section):
    """How the codec `line` finds in InfluxDB line protocol what a reading needs."""

    precision: Literal["ns", "us", "ms", "s"] = "ns"
    """Unit of the timestamps; what the sender was told, since a line does not say."""
    device_key: str = "device"
    """Tag with id or MN of the device; a line without it is of the topic's device."""
    factor: Literal["field", "measurement", "tag"] = "field"
    """What the factor is: every field's key, or measurement or tag of a line whose value is in one field."""
    factor_key: str = "factor"
    """Tag with the factor, where `factor` is `tag`."""
    value_key: str = "value"
    """Field with the value, where `factor` is not `field`."""
    flag_key: str = "flag"
    """Tag or field with the data flag of HJ 212."""
    unit_key: str = "unit"
    """Tag or field with the unit of the line's values."""
    period_key: str = "period"
    """Tag with `realtime`, `minute`, `hour` or `day`."""


def _path(text: str) -> str:
    compile_path(text)
    return text


def _path_or_text(text: str) -> str:
    return text if text.startswith("=") else _path(text)


JsonPathText = Annotated[str, AfterValidator(_path)]
"""A path into JSON: see `gateway.json_paths`."""
PathOrText = Annotated[str, AfterValidator(_path_or_text)]
"""A path, or `=` and a text that is the same for all."""


class JsonMapping(Section):
    """Where a vendor's JSON has what a reading needs. Paths other than `readings` begin at the reading."""

    name: Identifier
    """A subscription names it."""
    readings: str = ""
    """What leads to the readings, with `*` and `[*]` for all; empty: the message is one."""
    factor: PathOrText
    """Name of the factor, `factor` or `factor-Field`, or what `factors` translates."""
    value: JsonPathText = ""
    """The value; empty: what `readings` leads to is the value itself."""
    device: PathOrText | None = None
    """Id or MN of the device; left out: the topic names it."""
    time: JsonPathText | None = None
    """Time of the reading; left out: when it was received."""
    time_format: Literal["iso", "epoch_s", "epoch_ms", "pattern"] = "iso"
    time_pattern: str = ""
    """As Python's strptime has it, where `time_format` is `pattern`: `%d/%m/%Y %H:%M:%S`."""
    unit: PathOrText | None = None
    flag: PathOrText | None = None
    period: PathOrText | None = None
    """`realtime`, `minute`, `hour` or `day`; left out: `realtime`."""
    factors: dict[str, str] = Field(default_factory=dict[str, str])
    """The vendor's names and ours; what is not among them is passed over. Empty: every name is taken as it is."""
    flags: dict[str, str] = Field(default_factory=dict[str, str])
    """The vendor's words and the flags of HJ 212; others are unknown flags. Empty: they are flags of HJ 212."""

    @field_validator("readings")
    @classmethod
    def _leads_to_several(cls, text: str) -> str:
        compile_path(text, wild=True)
        return text

    @field_validator("time_pattern")
    @classmethod
    def _tells_the_time(cls, pattern: str) -> str:
        moment = datetime(2026, 11, 23, 21, 43, tzinfo=UTC)
        try:
            told = not pattern or datetime.strptime(moment.strftime(pattern), pattern).replace(tzinfo=UTC) == moment
        except ValueError as error:
            raise ValueError(f"{pattern!r} is no pattern of a time: {error}") from error
        if not told:
            raise ValueError(f"{pattern!r} does not tell year, month, day, hour and minute")
        return pattern

    @field_validator("factors")
    @classmethod
    def _are_names(cls, factors: dict[str, str]) -> dict[str, str]:
        wrong = [
            ((theirs,), f"expected factor or factor-Field, not {ours!r}")
            for theirs, ours in factors.items()
            if split_name(ours, "Rtd") is None
        ]
        if wrong:
            raise Misplaced(*wrong)
        return factors

    @model_validator(mode="after")
    def _pattern_where_needed(self) -> JsonMapping:
        if (self.time_format == "pattern") != bool(self.time_pattern):
            raise Misplaced((("time_pattern",), 'goes together with time_format = "pattern"'))
        if self.time is None and self.time_format != "iso":
            raise Misplaced((("time_format",), "is not used without time"))
        return self


class Subscription(Section):
    """One topic template and the codec of what arrives there."""

    topic: Annotated[str, Field(min_length=1)]
    """MQTT topic with `{site}`, `{device}` or `{camera}` standing for one level each."""
    codec: Literal["auto", "json", "hj212", "senml", "line", "mapped", "frigate", "onvif", "jpeg"] = "auto"
    """How payloads are read; `auto` tells JSON, SenML and HJ 212 apart by their first bytes."""
    mapping: str | None = None
    """Name of one of the `mappings`, for the codec `mapped`."""
    line: LineFormat = LineFormat()
    """For the codec `line`."""

    @model_validator(mode="after")
    def _options_of_the_codec(self) -> Subscription:
        if self.codec == "mapped" and self.mapping is None:
            raise Misplaced((("mapping",), 'is missing: codec = "mapped" reads by one of the mappings'))
        if self.codec != "mapped" and self.mapping is not None:
            raise Misplaced((("mapping",), 'is used with codec = "mapped" only'))
        if self.codec != "line" and self.line != LineFormat():
            raise Misplaced((("line",), 'is used with codec = "line" only'))
        return self

    @property
    def codec_key(self) -> str:
        """Names the codec with its options: subscriptions of one key share one codec."""
        if self.codec == "mapped":
            return f"mapped:{self.mapping}"
        if self.codec == "line" and self.line != LineFormat():
            return f"line:{self.line.model_dump_json()}"
        return self.codec


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
    mappings: tuple[JsonMapping, ...] = ()
    """How vendors' JSON is read by the codec `mapped`."""
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
