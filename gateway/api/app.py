"""The application: every group of routes, over one record of views."""

from __future__ import annotations

from fastapi import FastAPI

from gateway.api import (
    alerts,
    cameras,
    dead_letters,
    detections,
    problems,
    protocol,
    readings,
    requests,
    revisions,
    sites,
    status,
    strangers,
    stream,
)
from gateway.api.views import Views

DESCRIPTION = """
What the gateway expects to hear of, what it hears, and what it makes of it.

Times in answers are ISO 8601 in UTC with milliseconds; in questions they may also be milliseconds since the epoch.
Numbers that do not exist are null. Every error is a problem (RFC 9457) that names the parameter at fault.
"""


def make_app(views: Views) -> FastAPI:
    """The API without the console; `gateway.console.attach` adds that."""
    app = FastAPI(
        title="Pollution and Video Sensor Gateway",
        version=views.about()["version"],
        description=DESCRIPTION,
        docs_url=None,  # the pages of FastAPI fetch their scripts from the network
        redoc_url=None,
        openapi_url="/api/v1/openapi.json",
    )
    app.state.views = views
    problems.install(app)
    groups = (
        status,
        sites,
        readings,
        revisions,
        protocol,
        alerts,
        detections,
        cameras,
        dead_letters,
        strangers,
        requests,
        stream,
    )
    for group in groups:
        app.include_router(group.router)
    return app
