"""Messages that could not be used, each with its reason."""

from __future__ import annotations

import base64
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from gateway.alerts.ledger_reader import KeptLetter
from gateway.api.problems import responses
from gateway.api.times import iso
from gateway.api.views import GetViews

router = APIRouter(prefix="/api/v1", tags=["dead letters"])

_REPLAY = ("no", "asked", "done")


class DeadLetterModel(BaseModel):
    id: int
    position: int = Field(description="Position in the journal")
    received: str = Field(description="ISO 8601 UTC")
    link: str
    topic: str
    reason: str = Field(description="A fixed word", examples=["bad_json"])
    detail: str = Field(description="One sentence that names what is wrong")
    size: int = Field(description="Bytes of the payload")
    payload: str = Field(description="The payload as base64, its first 4096 bytes")
    replay: str = Field(description="`no`, `asked` or `done`")


@router.get("/deadletters", summary="Dead letters, newest first", responses=responses(422))
def dead_letters(
    views: GetViews,
    reason: Annotated[str | None, Query(max_length=100, description="Only with this reason")] = None,
    limit: Annotated[int, Query(ge=1, le=1000, description="At most so many")] = 100,
    before: Annotated[
        int | None, Query(ge=0, le=2**63 - 1, description="For the next page: `id` of the last one of this page")
    ] = None,
) -> list[DeadLetterModel]:
    """They are replayed with `gateway deadletters replay`."""
    return [_letter(kept) for kept in views.ledger.dead_letters(reason, limit, before)]


def _letter(kept: KeptLetter) -> DeadLetterModel:
    letter = kept.letter
    return DeadLetterModel(
        id=kept.id,
        position=letter.position,
        received=iso(letter.received),
        link=letter.link,
        topic=letter.topic,
        reason=letter.reason,
        detail=letter.detail,
        size=len(letter.payload),
        payload=base64.b64encode(letter.payload[:4096]).decode("ascii"),
        replay=_REPLAY[kept.replay],
    )
