"""The header of a data segment: fields by name, in whatever order and shape they come, and what is wrong with them."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final

from gateway.hj212.commands import command
from gateway.hj212.editions import RULES, SPLIT_BIT, Edition
from gateway.hj212.verdicts import Verdict

FIELDS: Final = ("QN", "ST", "CN", "PW", "MN", "Flag", "PNUM", "PNO", "RF")
"""In the order of the standard."""
REPLIES: Final = frozenset(("9011", "9012", "9013", "9014"))

_PLACES: Final = {name.upper(): place for place, name in enumerate(FIELDS)}
_NEEDED: Final = ("ST", "CN", "PW", "MN")
_SEPARATOR: Final = re.compile("[;,]")
_FORMS: Final = {
    "QN": re.compile("[0-9]{17}"),
    "ST": re.compile("[0-9A-Z]+"),
    "CN": re.compile("[0-9]{4}"),
    "FLAG": re.compile("[0-9]{1,3}"),
    "PNUM": re.compile("[0-9]{1,4}"),
    "PNO": re.compile("[0-9]{1,4}"),
    "RF": re.compile("1"),
}


@dataclass(frozen=True, slots=True)
class Header:
    """What a header says. Absent fields are empty."""

    sent: dict[str, str]
    """Names and values as sent, in order; of a repeated field the last. Holds the password."""
    fields: dict[str, str]
    """Values by name in upper case, without fields that no edition has."""
    flag: int
    """-1 where there is none, or one that is no byte."""
    pnum: int
    """Packets of the set; 0 where the message is not split."""
    pno: int
    """This packet, from 1; 0 where the message is not split."""
    form: Verdict
    """What is wrong in any edition."""
    qn: str = field(init=False)
    """17 digits; empty where there is none of that form."""
    st: str = field(init=False)
    cn: str = field(init=False)
    mn: str = field(init=False)
    pw: str = field(init=False, repr=False)

    def __post_init__(self) -> None:
        set_once = object.__setattr__
        qn = self.fields.get("QN", "")
        set_once(self, "qn", qn if _FORMS["QN"].fullmatch(qn) else "")
        for name in ("ST", "CN", "MN", "PW"):
            set_once(self, name.lower(), self.fields.get(name, ""))

    @property
    def rf(self) -> bool:
        """Whether it says that the frame is a back-filled one (2025)."""
        return self.fields.get("RF") == "1"

    def verdicts(self, edition: Edition) -> Verdict:
        """All that is wrong with the header by an edition."""
        rules = RULES[edition]
        found = self.form
        for name, value in self.fields.items():
            if len(value) > rules.field_most.get(name, 0):
                found |= Verdict.HEADER_FIELD
        if self.flag >= 0 and self.flag >> 2 != rules.version:
            found |= Verdict.FLAG_VERSION
        if self.st and self.st not in rules.systems:
            found |= Verdict.ST_UNKNOWN
        if self.cn and command(self.cn, edition) is None:
            found |= Verdict.CN_UNKNOWN
        if self.mn and not rules.mn.fullmatch(self.mn):
            found |= Verdict.MN_FORM
        if "QN" not in self.fields and not (rules.reply_qn_in_cp and self.cn in REPLIES):
            found |= Verdict.QN_MISSING
        return found


def read_header(text: str) -> Header:
    """Read what stands before `CP=&&`. Never raises."""
    form = Verdict.SEPARATOR if "," in text else Verdict.NONE
    sent: dict[str, str] = {}
    fields: dict[str, str] = {}
    last = -1
    parts = _SEPARATOR.split(text)
    if parts[-1].strip():
        form |= Verdict.SEPARATOR  # none before CP
    elif parts.pop():
        form |= Verdict.BLANKS
    for part in parts:
        name, equals, value = part.partition("=")
        if len(part) != len(part.strip()) or name != name.rstrip() or value != value.lstrip():
            form |= Verdict.BLANKS
        name, value = name.strip(), value.strip()
        if not name and not equals:
            form |= Verdict.SEPARATOR
            continue
        sent[name] = value
        place = _PLACES.get(name.upper())
        if place is None or not equals:
            form |= Verdict.HEADER_FIELD
            continue
        standard = FIELDS[place]
        if name != standard:
            form |= Verdict.NAME_CASE
        if place < last:
            form |= Verdict.HEADER_ORDER
        last = place
        if name.upper() in fields:
            form |= Verdict.HEADER_FIELD
        fields[name.upper()] = value
    return _header(sent, fields, form)


def _header(sent: dict[str, str], fields: dict[str, str], form: Verdict) -> Header:
    """The header of these fields; adds the verdicts on their values."""
    for name, value in fields.items():
        if not value or (name in _FORMS and not _FORMS[name].fullmatch(value)):
            form |= Verdict.HEADER_FIELD
    if not all(name in fields for name in _NEEDED):
        form |= Verdict.HEADER_FIELD
    flag = _number(fields, "FLAG")
    if flag > 255:
        flag, form = -1, form | Verdict.HEADER_FIELD
    if "FLAG" not in fields:
        form |= Verdict.FLAG_MISSING
    pnum, pno = _number(fields, "PNUM"), _number(fields, "PNO")
    split = "PNUM" in fields or "PNO" in fields
    padded = any(len(fields.get(name, "")) > 1 and fields[name][0] == "0" for name in ("PNUM", "PNO"))
    sound = 1 <= pno <= pnum
    if split != bool(flag >= 0 and flag & SPLIT_BIT) or padded or (split and not sound):
        form |= Verdict.PACKET_FLAG
    if not sound:
        pnum = pno = 0
    return Header(sent, fields, flag, pnum, pno, form)


def _number(fields: dict[str, str], name: str) -> int:
    """The number of a field; -1 where it is none."""
    value = fields.get(name, "")
    return int(value) if _FORMS[name].fullmatch(value) else -1
