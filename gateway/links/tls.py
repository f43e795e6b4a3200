"""TLS of a link: one `ssl.SSLContext` from the settings, with errors that name the file."""

from __future__ import annotations

import ssl
from pathlib import Path

from gateway.config import ServerTls, Tls
from gateway.errors import LinkError


def ssl_context(settings: Tls) -> ssl.SSLContext:
    """A client context: TLS 1.2 or newer, the broker's name and certificate checked, mutual if a certificate is set.

    The authorities are the system's unless `ca_file` names others. Raises `LinkError` with the file's name
    where one is missing, is no certificate or key, or the two do not belong together.
    """
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if settings.ca_file is not None:
        # Only these authorities: whoever names one means to trust no other.
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        _trust(context, settings.ca_file, "tls.ca_file")
    if settings.cert_file is not None and settings.key_file is not None:  # the settings take both or none
        _load_own(context, settings.cert_file, settings.key_file)
    return context


def server_context(settings: ServerTls) -> ssl.SSLContext:
    """A listener's context: TLS 1.2 or newer, mutual where `client_ca_file` is set. Raises `LinkError` likewise."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    _load_own(context, settings.cert_file, settings.key_file)
    if settings.client_ca_file is not None:
        _trust(context, settings.client_ca_file, "tls.client_ca_file")
        context.verify_mode = ssl.CERT_REQUIRED
    return context


def _trust(context: ssl.SSLContext, file: Path, field: str) -> None:
    _readable(file, field)
    try:
        context.load_verify_locations(cafile=file)
    except ssl.SSLError as error:
        raise LinkError(f"{field} {file} holds no PEM certificate ({_reason(error)})") from error


def _load_own(context: ssl.SSLContext, cert_file: Path, key_file: Path) -> None:
    _readable(cert_file, "tls.cert_file")
    _readable(key_file, "tls.key_file")
    try:
        context.load_cert_chain(cert_file, key_file, password=_no_password)
    except _Encrypted as error:
        raise LinkError(f"tls.key_file {key_file} is encrypted: give one without a passphrase, mode 0600") from error
    except ssl.SSLError as error:
        if "KEY_VALUES_MISMATCH" in str(error):
            raise LinkError(f"tls.cert_file {cert_file} and tls.key_file {key_file} do not belong together") from error
        raise LinkError(
            f"tls.cert_file {cert_file} with tls.key_file {key_file} cannot be used: expected PEM ({_reason(error)})"
        ) from error


class _Encrypted(Exception):
    pass


def _no_password() -> str:
    raise _Encrypted  # without this OpenSSL would ask at the terminal and the service would hang


def _readable(file: Path, field: str) -> None:
    try:
        with file.open("rb"):
            pass
    except OSError as error:
        raise LinkError(f"{field} {file} cannot be read: {error.strerror or error}") from error


def _reason(error: ssl.SSLError) -> str:
    return (error.reason or str(error)).replace("_", " ").lower()
