"""Verdicts: the ways in which a frame departs from the standard, each with one name. `docs/hj212.md` explains them.

A frame has any number of them. They are counted per device, so that an inspector sees which loggers break the
standard and how; a configuration says which of them keep a frame out of the store (`hj212.quarantine`).
"""

from __future__ import annotations

from enum import IntFlag
from typing import Final


class Verdict(IntFlag):
    """What is wrong or remarkable with one frame, as bits of an integer."""

    NONE = 0

    CRC_WRONG = 1 << 0
    """The CRC sent is not that of the segment, by none of the ways known to be mistaken."""
    CRC_LOWER_CASE = 1 << 1
    """The right CRC in lower case."""
    CRC_SHORT = 1 << 2
    """The right CRC, with leading zeros lost."""
    CRC_SWAPPED = 1 << 3
    """The right CRC with its two bytes swapped."""
    CRC_MODBUS = 1 << 4
    """The CRC-16/MODBUS of the segment, which is not that of HJ 212."""
    CRC_OF_CIPHERTEXT = 1 << 5
    """The CRC of the encrypted segment; the standard takes it before encryption."""

    LENGTH_WRONG = 1 << 6
    """The length field is not that of the segment."""
    LENGTH_DIGITS = 1 << 7
    """The length field has other than four digits."""
    SEGMENT_LONG = 1 << 8
    """A segment of more than 1024 bytes that should have been split."""
    CP_LONG = 1 << 9
    """More between the two && than the edition allows."""
    LINE_END = 1 << 10
    """Not CR LF behind the CRC."""

    QN_MISSING = 1 << 11
    FLAG_MISSING = 1 << 12
    HEADER_FIELD = 1 << 13
    """A header field that is longer than the edition allows, empty, given twice, or of another form."""
    HEADER_ORDER = 1 << 14
    """Header fields in another order than QN, ST, CN, PW, MN, Flag, PNUM, PNO, RF."""
    NAME_CASE = 1 << 15
    """A header field or a field of a factor in another case than the standard's."""
    SEPARATOR = 1 << 16
    """A separator missing, doubled or in another's place: `Flag=5CP=`, `,` behind QN, `;;`, `;` before the last &&."""
    BLANKS = 1 << 17
    """Blanks around names, values or separators."""

    ITEM_REPEATED = 1 << 18
    """The same field of a factor, or the same parameter, more than once; the last one counts."""
    ITEM_UNREADABLE = 1 << 19
    """An item of CP that is no `name=value`, or a name that is none."""
    SUFFIX_MISSING = 1 << 20
    """A factor without `-Rtd` or another field."""
    SUFFIX_UNKNOWN = 1 << 21
    """A field that no edition has, `LA-td` or `-ValidNum`."""
    CODE_UNKNOWN = 1 << 22
    """A factor code that is in no table of ours."""
    VALUE_TEXT = 1 << 23
    """Text where a number is due."""
    TIME_FORM = 1 << 24
    """DataTime of other than 14 digits, or none where one is due."""
    CP_EMPTY = 1 << 25
    """A data command without data: taken as a sign of life."""

    PACKET_FLAG = 1 << 26
    """PNUM and PNO without bit 1 of Flag, that bit without them, or numbers padded with zeros."""
    ST_UNKNOWN = 1 << 27
    CN_UNKNOWN = 1 << 28
    """A command that the edition does not have."""
    MN_FORM = 1 << 29
    """An MN that is not of the edition's form."""
    FLAG_VERSION = 1 << 30
    """The version in Flag is not that of the device's edition."""
    TEXT_ENCODING = 1 << 31
    """Text in GB 18030, or in bytes of no encoding; the standard asks for UTF-8."""

    PASSWORD_WRONG = 1 << 32
    """PW is not the password that is kept for the MN."""
    NOT_ENCRYPTED = 1 << 33
    """A 2025 upload in plain text of a device for which a key is kept."""
    KEY_UNKNOWN = 1 << 34
    """Encrypted, and no key that is kept for the MN opens it."""
    KEY_OLD = 1 << 35
    """Opened by a key that was no longer valid at the time of the frame, and the frame is no back-filled one."""

    REPEATED = 1 << 36
    """The same message again: the device did not get its answer, or did not wait for it."""
    SET_INCOMPLETE = 1 << 37
    """A split message of which packets did not come in time; those that came were used."""


CRC_VERDICTS: Final = (
    Verdict.CRC_WRONG
    | Verdict.CRC_LOWER_CASE
    | Verdict.CRC_SHORT
    | Verdict.CRC_SWAPPED
    | Verdict.CRC_MODBUS
    | Verdict.CRC_OF_CIPHERTEXT
)
"""Those on the CRC."""

WORDS: Final = {verdict.name.lower(): verdict for verdict in Verdict if verdict.name}
"""Word of the configuration, of counters and of `docs/hj212.md` to verdict."""


def words_of(verdicts: int) -> list[str]:
    """The words of all bits that are set, in the order above."""
    return [word for word, verdict in WORDS.items() if verdict & verdicts]
