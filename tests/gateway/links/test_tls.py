"""TLS settings of a link: what a context is made of, and what is said where that is not possible."""

from __future__ import annotations

import ssl
import subprocess
from pathlib import Path

import pytest
from servers import Certificates, program

from gateway.config import Tls
from gateway.errors import LinkError
from gateway.links.tls import ssl_context


def test_without_files_the_systems_authorities_count_and_the_name_is_checked() -> None:
    context = ssl_context(Tls())
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname
    assert context.minimum_version is ssl.TLSVersion.TLSv1_2


def test_an_authority_of_our_own_is_the_only_one(certificates: Certificates) -> None:
    context = ssl_context(Tls(ca_file=certificates.ca_file))
    assert [dict(pair[0] for pair in ca["subject"]) for ca in context.get_ca_certs()] == [
        {"commonName": "test authority"}
    ]
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname
    assert context.minimum_version is ssl.TLSVersion.TLSv1_2


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({"ca_file": "{missing}"}, "tls.ca_file {missing} cannot be read: No such file or directory"),
        ({"ca_file": "{junk}"}, "tls.ca_file {junk} holds no PEM certificate"),
        ({"cert_file": "{missing}", "key_file": "{key}"}, "tls.cert_file {missing} cannot be read"),
        ({"cert_file": "{cert}", "key_file": "{missing}"}, "tls.key_file {missing} cannot be read"),
        ({"cert_file": "{cert}", "key_file": "{junk}"}, "{cert} with tls.key_file {junk} cannot be used: expected PEM"),
        ({"cert_file": "{junk}", "key_file": "{key}"}, "tls.cert_file {junk} with tls.key_file {key} cannot be used"),
        ({"cert_file": "{cert}", "key_file": "{other}"}, "{cert} and tls.key_file {other} do not belong together"),
        ({"cert_file": "{cert}", "key_file": "{locked}"}, "tls.key_file {locked} is encrypted"),
    ],
)
def test_a_file_that_cannot_be_used_is_named(
    files: dict[str, str], words: str, certificates: Certificates, tmp_path: Path
) -> None:
    junk, locked = tmp_path / "junk.pem", tmp_path / "locked.key"
    junk.write_text("this is no certificate\n")
    names = {
        "missing": tmp_path / "missing.pem",
        "junk": junk,
        "locked": locked,
        "cert": certificates.client_cert_file,
        "key": certificates.client_key_file,
        "other": certificates.server_key_file,
    }
    encrypt = [program("openssl", "openssl"), "ec", "-aes256", "-passout", "pass:secret", "-out", str(locked)]
    subprocess.run([*encrypt, "-in", str(certificates.client_key_file)], check=True, capture_output=True)
    settings = Tls.model_validate({field: file.format(**names) for field, file in files.items()})
    with pytest.raises(LinkError) as caught:
        ssl_context(settings)
    assert words.format(**names) in str(caught.value)
