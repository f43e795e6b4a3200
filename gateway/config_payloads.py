"""Settings of what arrives on a topic: subscriptions, and how lines and any vendor's JSON are read."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, Field, field_validator, model_validator

from gateway.config_base import Identifier, Misplaced, Section
from gateway.json_paths import compile_path
from gateway.names import split_name

CAMERA_CODECS: Final = frozenset(("frigate", "onvif"))
"""Codecs of what edge nodes of cameras say."""


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
