"""What all tables of a scenario share: strict keys, ids, names in both languages."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Id = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]{1,64}$")]
Share = Annotated[float, Field(ge=0, le=1)]
Point = tuple[Share, Share]


class Table(BaseModel):
    """A table of the file: a key that is not known is a mistake, not ignored."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Name(Table):
    en: str
    zh: str
