"""Settings of `gateway run CONFIG.toml`, as models with safe defaults. The only place that reads the environment.

`docs/configuration.md` lists every key; a test holds the two together.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

MIB = 1024 * 1024


def outside_data() -> Path:
    """Folder of real clips, series and frames for tests and benchmarks: GATEWAY_OUTSIDE_DATA, default `../shared`."""
    return Path(os.environ.get("GATEWAY_OUTSIDE_DATA", "../shared"))


class Section(BaseModel):
    """A table of the file: a key that is not known is a mistake, not ignored."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Secret(Section):
    """A user and where the password is: a file or an environment variable, never the configuration itself."""

    username: str = ""
    password_file: Path | None = None
    password_env: str = ""

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

    ca_file: Path | None = None
    cert_file: Path | None = None
    key_file: Path | None = None


class Subscription(Section):
    """One topic template and the codec of what arrives there."""

    topic: Annotated[str, Field(min_length=1)]
    """MQTT topic with `{site}`, `{device}` or `{camera}` standing for one level each."""
    codec: Literal["auto", "json", "hj212", "jpeg"] = "auto"


class Broker(Section):
    """How to reach a broker; shared by links and by the publisher."""

    url: str = "mqtt://127.0.0.1:1883"
    """`mqtt://host:port`, or `mqtts://host:port` for TLS."""
    login: Secret = Secret()
    tls: Tls = Tls()

    @field_validator("url")
    @classmethod
    def _is_mqtt(cls, url: str) -> str:
        parts = urlsplit(url)
        if parts.scheme not in ("mqtt", "mqtts") or not parts.hostname:
            raise ValueError("expected mqtt://host[:port] or mqtts://host[:port]")
        if parts.password:
            raise ValueError("no password in the address: use login.password_file or login.password_env")
        return url

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

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]{1,64}$")]
    protocol: Literal["mqtt5", "mqtt311"] = "mqtt5"
    client_id: Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]{1,64}$")] = "pollution-gateway"
    qos: Literal[0, 1] = 1
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
    backoff_max_s: Annotated[float, Field(gt=0)] = 30.0
    will_topic: str = "gateway/{client_id}/status"
    """Last will: `offline` here, retained; `online` while connected. Empty: none."""


class Journal(Section):
    max_mib: Annotated[int, Field(ge=16)] = 4096
    """Bound on disk. When readers fall so far behind, acknowledgements stop: the broker holds the rest."""
    segment_mib: Annotated[int, Field(ge=1)] = 64
    warn_share: Annotated[float, Field(gt=0, lt=1)] = 0.5


class Decode(Section):
    unknown_devices: Literal["dead_letter", "accept"] = "dead_letter"
    """What a message of a device outside the inventory becomes."""
    max_channels: Annotated[int, Field(ge=1)] = 1_000_000
    max_factors: Annotated[int, Field(ge=1)] = 2_000
    """Factors in one message; a message with more is a dead letter."""
    bad_crc: Literal["dead_letter", "accept"] = "dead_letter"
    dead_letters_kept: Annotated[int, Field(ge=100)] = 100_000
    """Newest dead letters kept; older ones go and are counted."""


class DuckDb(Section):
    kind: Literal["duckdb"] = "duckdb"
    file: Path = Path("readings.duckdb")
    """Relative to `data`."""


class Influx(Section):
    kind: Literal["influxdb"] = "influxdb"
    url: str = "http://127.0.0.1:8086"
    org: str
    bucket: str
    token_file: Path | None = None
    token_env: str = ""
    timeout_s: float = 10.0


class Influx1(Section):
    kind: Literal["influxdb1"] = "influxdb1"
    url: str = "http://127.0.0.1:8086"
    database: str
    retention_policy: str = ""
    login: Secret = Secret()
    timeout_s: float = 10.0


Store = Annotated[DuckDb | Influx | Influx1, Field(discriminator="kind")]


class Writer(Section):
    batch_rows: Annotated[int, Field(ge=1)] = 50_000
    """Most rows in one write."""
    linger_ms: Annotated[float, Field(ge=0)] = 500.0
    """Longest wait for a write to fill."""
    backoff_max_s: Annotated[float, Field(gt=0)] = 30.0


class Publish(Section):
    """Where alerts and detections are published: over the first link's broker unless `broker` is given."""

    enabled: bool = True
    broker: Broker | None = None
    alert_topic: str = "alerts/{site}/{alert}"
    detection_topic: str = "detections/{site}/{camera}"


class Frames(Section):
    workers: Annotated[int, Field(ge=1, le=64)] = 1
    evidence_mib: Annotated[int, Field(ge=1)] = 512
    """Bound on kept evidence pictures; the oldest go first and are counted."""


class Api(Section):
    enabled: bool = True
    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65_535)] = 8080
    console: bool = True


class Config(Section):
    """The whole file, but for the inventory, which `gateway.inventory_file` reads from the same file or its own."""

    data: Path = Path("var/gateway")
    """Folder for journal, state, store and evidence; relative to the configuration file."""
    inventory: Path | None = None
    """File with `sites`, `types`, `devices` and `cameras`; without it they stand in this file."""
    links: Annotated[tuple[Link, ...], Field(min_length=1)]
    journal: Journal = Journal()
    decode: Decode = Decode()
    store: Store = DuckDb()
    writer: Writer = Writer()
    publish: Publish = Publish()
    frames: Frames = Frames()
    api: Api = Api()
    silence_check_s: Annotated[float, Field(gt=0)] = 1.0

    @model_validator(mode="after")
    def _links_differ(self) -> Config:
        names = [link.name for link in self.links]
        if len(set(names)) != len(names):
            raise ValueError("links need different names")
        seen: set[tuple[str, str]] = set()
        for link in self.links:
            if (link.url, link.client_id) in seen:
                raise ValueError(f"link {link.name}: client_id repeats on the same broker; sessions would fight")
            seen.add((link.url, link.client_id))
        return self
