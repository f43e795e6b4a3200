"""Errors of the API as problem details (RFC 9457): what is wrong, and in which parameter."""

from __future__ import annotations

import http
from collections.abc import Sequence
from typing import Any, Final, cast

import msgspec
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

MEDIA_TYPE: Final = "application/problem+json"


class WrongParameter(BaseModel):
    """One parameter that cannot be used."""

    parameter: str = Field(description="Its name", examples=["start"])
    place: str = Field(description="`query` or `path`", examples=["query"])
    detail: str = Field(description="What is wrong with it and what is expected")


class ProblemDetails(BaseModel):
    """The body of every answer that is an error (RFC 9457, section 3)."""

    type: str = Field(default="about:blank", description="`about:blank`: the title is that of the status code")
    title: str = Field(description="The words of the status code", examples=["Not Found"])
    status: int = Field(description="The status code", examples=[404])
    detail: str = Field(description="One sentence for a person")
    errors: list[WrongParameter] = Field(default=[], description="The parameters at fault, where there are any")


class Problem(Exception):
    """Ends a request with a problem; `parameter` names what the client can change."""

    def __init__(self, status: int, detail: str, parameter: str = "", place: str = "query") -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.errors = [WrongParameter(parameter=parameter, place=place, detail=detail)] if parameter else []


def responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The part of a route's OpenAPI description that says which problems it answers with."""
    schema = {"$ref": "#/components/schemas/ProblemDetails"}
    return {
        status: {"description": http.HTTPStatus(status).phrase, "content": {MEDIA_TYPE: {"schema": schema}}}
        for status in statuses
    }


def install(app: FastAPI) -> None:
    """Make every error of the application a problem, those of the frameworks too."""
    app.add_exception_handler(Problem, _on_problem)
    app.add_exception_handler(RequestValidationError, _on_validation)
    app.add_exception_handler(HTTPException, _on_http)
    app.add_exception_handler(Exception, _on_mistake)


async def _on_problem(_: Request, error: Exception) -> Response:
    problem = cast("Problem", error)
    return _answer(problem.status, problem.detail, problem.errors)


async def _on_validation(_: Request, error: Exception) -> Response:
    wrong = [_wrong_parameter(one) for one in cast("RequestValidationError", error).errors()]
    return _answer(422, "; ".join(f"{one.parameter}: {one.detail}" for one in wrong), wrong)


def _wrong_parameter(error: dict[str, Any]) -> WrongParameter:
    where = cast("Sequence[str | int]", error["loc"])
    text = str(error["msg"]).removeprefix("Value error, ")
    return WrongParameter(parameter=str(where[1] if len(where) > 1 else where[0]), place=str(where[0]), detail=text)


async def _on_http(_: Request, error: Exception) -> Response:
    refused = cast("HTTPException", error)
    return _answer(refused.status_code, str(refused.detail), headers=dict(refused.headers or {}))


async def _on_mistake(_: Request, __: Exception) -> Response:
    # Starlette raises the exception again after this answer, and uvicorn logs it.
    return _answer(500, "the gateway could not answer; its log says why")


def _answer(
    status: int, detail: str, errors: Sequence[WrongParameter] = (), headers: dict[str, str] | None = None
) -> Response:
    problem = ProblemDetails(title=http.HTTPStatus(status).phrase, status=status, detail=detail, errors=list(errors))
    return Response(msgspec.json.encode(problem.model_dump()), status, headers, MEDIA_TYPE)
