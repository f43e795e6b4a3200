"""What all sections of the configuration share: strict tables, paths, secrets, TLS. The only place that reads the
environment.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, cast
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationInfo, model_validator

MIB = 1024 * 1024


def outside_data() -> Path:
    """Folder of real clips, series and frames for tests and benchmarks: GATEWAY_OUTSIDE_DATA, default `../shared`."""
    return Path(os.environ.get("GATEWAY_OUTSIDE_DATA", "../shared"))


def environment() -> Mapping[str, str]:
    """The environment, for `gateway.keys_file`: HJ212_KEY_<MN>, HJ212_PASSWORD_<MN> and what the keys file names."""
    return os.environ


class Misplaced(ValueError):
    """Mistakes that a check over several keys found, each with its place below the table that was checked."""

    def __init__(self, *mistakes: tuple[tuple[str | int, ...], str]) -> None:
        """Each mistake is a path, as `("links", 1, "name")`, and what is wrong there and what is expected."""
        super().__init__("; ".join(text for _, text in mistakes))
        self.mistakes = mistakes


def _from_file(path: Path, info: ValidationInfo) -> Path:
    """Paths in a file are relative to its folder, which the reader of the file hands over."""
    context = cast("dict[str, Path] | None", info.context)
    return context["folder"] / path if context else path


FromFile = Annotated[Path, AfterValidator(_from_file)]
"""A path that is relative to the configuration file."""

Identifier = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]{1,64}$")]
"""Becomes a topic level, a tag in the store and part of file names, so it is of few characters."""

Seconds = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class Section(BaseModel):
    """A table of the file: a key that is not known is a mistake, not ignored."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Secret(Section):
    """A user and where the password is: a file or an environment variable, never the configuration itself."""

    username: str = ""
    password_file: FromFile | None = None
    """Holds the password and nothing else; relative to the configuration file."""
    password_env: str = ""
    """Name of the environment variable that holds the password."""

    @model_validator(mode="after")
    def _one_source(self) -> Secret:
        if self.password_file is not None and self.password_env:
            raise Misplaced((("password_env",), "give password_file or password_env, not both"))
        if not self.username and (self.password_file is not None or self.password_env):
            raise Misplaced((("username",), "is missing: a password is given without a user"))
        return self

    @property
    def password(self) -> str | None:
        """The password, read now; None where no source is set. Raises OSError or KeyError when it is missing."""
        if self.password_file is not None:
            return self.password_file.read_text("utf-8").rstrip("\r\n")
        if self.password_env:
            return os.environ[self.password_env]
        return None


class Tls(Section):
    """TLS of a link: the system's authorities unless `ca_file` names others; a certificate of our own if asked."""

    ca_file: FromFile | None = None
    """Authorities to trust, PEM; without it those of the system."""
    cert_file: FromFile | None = None
    """Our certificate, PEM, where the broker asks for one."""
    key_file: FromFile | None = None
    """Private key of `cert_file`, PEM, without a pass phrase."""

    @model_validator(mode="after")
    def _pair(self) -> Tls:
        if (self.cert_file is None) != (self.key_file is None):
            absent = "cert_file" if self.cert_file is None else "key_file"
            raise Misplaced(((absent,), "is missing: cert_file and key_file go together"))
        return self


class ServerTls(Section):
    """TLS of a listener: our certificate, and whose certificates of loggers we ask for."""

    cert_file: FromFile
    """Our certificate, PEM."""
    key_file: FromFile
    """Private key of `cert_file`, PEM, without a pass phrase."""
    client_ca_file: FromFile | None = None
    """Authorities of the loggers' certificates, PEM: then a logger without one is turned away."""


def address(url: str, *schemes: str) -> str:
    """The address, checked. Raises ValueError."""
    expected = " or ".join(f"{scheme}://host[:port]" for scheme in schemes)
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise ValueError(f"expected {expected}, not {url!r} ({error})") from error
    if parts.scheme not in schemes or not parts.hostname or port == 0:
        raise ValueError(f"expected {expected}, not {url!r}")
    if parts.username is not None or parts.password is not None:
        raise ValueError("no user or password in the address: use login.username and login.password_file")
    return url
