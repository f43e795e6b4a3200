"""What all tables of a scenario share: strict keys, ids, names in both languages, and how a mistake is told."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, NamedTuple

from pydantic import BaseModel, ConfigDict, Field

Id = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]{1,64}$")]
Share = Annotated[float, Field(ge=0, le=1)]
Point = tuple[Share, Share]


class Table(BaseModel):
    """A table of the file: a key that is not known is a mistake, not ignored."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Name(Table):
    en: str
    zh: str


class Mistake(NamedTuple):
    """Something that does not fit to something else."""

    loc: tuple[str | int, ...]
    """The way to it: `("devices", 3, "site")`."""
    text: str


class Misfits(ValueError):
    """Each table is right by itself, and they do not fit together."""

    def __init__(self, found: Sequence[Mistake]) -> None:
        super().__init__("; ".join(mistake.text for mistake in found))
        self.found = found
