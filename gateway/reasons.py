"""Why a payload could not be used: the words that label dead letters, each with one meaning.

`docs/payloads.md` lists every word; a test holds the two together.
"""

from __future__ import annotations

from enum import StrEnum


class Reason(StrEnum):
    """The word of a dead letter's `reason`."""

    UNKNOWN_FORMAT = "unknown_format"
    """Neither JSON nor HJ 212 by its first bytes."""
    TOO_LONG = "too_long"
    """More bytes than any message of this format can need."""
    UNKNOWN_DEVICE = "unknown_device"
    """Neither the topic nor the payload names a device of the inventory."""
    BAD_TIME = "bad_time"
    """A time that cannot be read, or lies before 2000 or after 2100."""
    BAD_FACTOR = "bad_factor"
    """A name that is no `factor` or `factor-Field`."""
    TOO_MANY_FACTORS = "too_many_factors"
    """More readings than `decode.max_factors`."""
    CHANNELS_FULL = "channels_full"
    """A factor or field never seen before, with `decode.max_channels` already in use."""

    BAD_JSON = "bad_json"
    """Not JSON, not UTF-8, nested too deeply, or no object."""
    UNSUPPORTED_VERSION = "unsupported_version"
    """`v` is not 1."""
    MISSING_FIELD = "missing_field"
    """A field without which the message means nothing."""
    BAD_FIELD = "bad_field"
    """A field of the wrong type."""
    BAD_PERIOD = "bad_period"
    """`period` is none of the four words."""
    BAD_VALUE = "bad_value"
    """A reading that is no finite number, no null and no object with a `value`."""
    UNIT_MISMATCH = "unit_mismatch"
    """A declared unit other than the inventory's."""
    DEVICE_MISMATCH = "device_mismatch"
    """`device` names another device than the topic."""

    NOT_HJ212 = "not_hj212"
    """Bytes outside any frame."""
    TRUNCATED_FRAME = "truncated_frame"
    """A frame whose end (`&&` and CRC) is missing."""
    BAD_CRC = "bad_crc"
    """The CRC sent is not the CRC of the data segment."""
    QUARANTINED = "quarantined"
    """A deviation from the standard that the configuration does not accept (`hj212.quarantine`), other than the CRC."""
    MN_MISMATCH = "mn_mismatch"
    """The MN is not that of the device that the topic names, or of no device of its site."""
    BAD_ITEM = "bad_item"
    """A part of CP that is no `name=value`."""
    TEXT_VALUE = "text_value"
    """A data frame that carries text only, so no reading."""
    LOGIN_REFUSED = "login_refused"
    """A listener turned the logger away: its password is wrong, or none is kept for it."""
    UNSUPPORTED_COMMAND = "unsupported_command"
    """Factor items under a command that is not of the data group 2000-2999."""

    NOT_UNDERSTOOD = "not_understood"
    """A SenML field that must be understood to read the rest, and is not."""
    BAD_LINE = "bad_line"
    """A line that is no line protocol."""
    UNKNOWN_CAMERA = "unknown_camera"
    """Neither the topic nor the payload names a camera of the inventory."""
    CAMERA_MISMATCH = "camera_mismatch"
    """The payload names another camera than the topic."""

    NOT_JPEG = "not_jpeg"
    """No JPEG picture, or one without a size."""
    TRUNCATED_JPEG = "truncated_jpeg"
    """A JPEG that ends before its end marker."""
    TOO_LARGE = "too_large"
    """A picture of more than 64 megapixels."""


class BadPayload(Exception):
    """Raised within a codec for what one message holds, and caught there: it becomes that message's dead letter."""

    def __init__(self, reason: Reason, detail: str, claimed: str = "") -> None:
        """`claimed`: as in `DeadLetter`."""
        super().__init__(detail)
        self.reason = reason
        self.detail = detail
        self.claimed = claimed


def shown(value: object) -> str:
    """What was found, for a sentence: quoted, and never longer than a line."""
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."
