"""Settings of where readings go."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from gateway.config_base import FromFile, Misplaced, Seconds, Secret, Section, address


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
        return address(url, "http", "https")

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
        return address(url, "http", "https")


Store = Annotated[DuckDb | Influx | Influx1, Field(discriminator="kind")]


class Writer(Section):
    batch_rows: Annotated[int, Field(ge=1)] = 50_000
    """Most rows in one write."""
    linger_ms: Annotated[float, Field(ge=0)] = 500.0
    """Longest wait for a write to fill."""
    backoff_max_s: Seconds = 30.0
    """Longest wait between two attempts to write."""
    recheck_s: Annotated[float, Field(ge=0)] = 900.0
    """What an InfluxDB that is reached anew is offered again; 0 for nothing."""
