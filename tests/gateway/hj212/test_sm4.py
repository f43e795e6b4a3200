"""The encryption of the 2025 edition, by the standard's own examples."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.hj212.crc import crc16
from gateway.hj212.sm4 import looks_encrypted, open_segment, seal_segment

KEY = b"0" * 16
HEADER = b"QN=20240520210700000;ST=31;CN=2051;PW=123456;MN=010000A8900016F000169DC0;Flag=9;CP=&&"
PLAIN = HEADER + (
    b"DataTime=20240520210600;a01011-Min=1.35,a01011-Avg=1.35,a01011-Max=1.35,a01011-Flag=N;"
    b"a01014-Min=3.20,a01014-Avg=3.20,a01014-Max=3.20,a01014-Flag=N&&"
)
CIPHER = bytes.fromhex(
    "E43E159ACFAB242CB53155FB8B9281A1A242577ABFAED881BE88B72D69FC55ED1A80119FAAC8B3CD33D285CC76F57F2C"
    "A7F88B9573C6647E0F07E24609BD6B63EB20C5B9784F28E71D2F4994FF61D9E13B391A1D2A454B65388D5D9435DBF021"
    "528C7BF9755EF16518710C0CAC0ADEF9C5156CD0A5A17674AC0ED2ABC40023E9EF70128554B82438E91ADCE98A0D03A4"
)
RAW = HEADER + CIPHER + b"g=N&&"
PRINTED = HEADER + b"{" + b",".join(b"0x%02X" % byte for byte in CIPHER) + b"}g=N&&"

OF_EXAMPLE_2 = HEADER.replace(b"20240520210700000", b"20240601085857223") + b"x-Rtd=1;" * 26 + b"&&"
"""Of the sizes of example 2, of which the notes have no text: 295 bytes, CP of 13 groups and no rest."""


def test_example_4_is_encrypted_bit_for_bit() -> None:
    assert (len(PLAIN), f"{crc16(PLAIN):04X}") == (234, "B541")
    assert seal_segment(PLAIN, KEY) == RAW
    assert seal_segment(PLAIN, KEY, printed=True) == PRINTED


@pytest.mark.parametrize("form", [RAW, PRINTED], ids=["raw", "printed"])
def test_example_4_is_opened_in_either_form(form: bytes) -> None:
    assert looks_encrypted(form)
    assert open_segment(form, KEY) == PLAIN


@pytest.mark.parametrize(
    ("plain", "raw_bytes", "printed_bytes", "rest"), [(PLAIN, 234, 811, b"g=N"), (OF_EXAMPLE_2, 295, 1128, b"")]
)
def test_the_raw_form_is_as_long_as_the_plain_one_and_the_printed_one_longer(
    plain: bytes, raw_bytes: int, printed_bytes: int, rest: bytes
) -> None:
    raw, printed = seal_segment(plain, KEY), seal_segment(plain, KEY, printed=True)
    assert (len(raw), len(printed)) == (raw_bytes, printed_bytes)
    assert printed.endswith(b"}" + rest + b"&&")
    assert open_segment(raw, KEY) == open_segment(printed, KEY) == plain


def test_a_wrong_key_gives_other_bytes_and_the_crc_tells() -> None:
    wrong = open_segment(RAW, b"1" * 16)
    assert wrong is not None
    assert crc16(wrong) != 0xB541
    assert wrong.startswith(HEADER)
    assert wrong.endswith(b"g=N&&")


@pytest.mark.parametrize(
    ("segment", "name"),
    [
        (PLAIN, "plain"),
        (b"ST=91;CN=9014;Flag=8;CP=&&&&", "empty CP"),
        (b"ST=32;CN=9015;Flag=8", "no CP"),
        (
            b"CN=3020;CP=&&i13001-Info=//\xe9\x87\x87\xe6\xa0\xb7\xe9\x87\x87\xe6\xa0\xb7\xe9\x87\x87\xe6\xa0\xb7//&&",
            "UTF-8",
        ),
        (b"CN=3020;CP=&&a-Info=//" + "采样设备采样设备".encode("gb18030") + b"//&&", "GB 18030"),
        (b"CN=2011;CP=&&DataTime=2026030112\x000000;a21026-\xffRtd=35.2&&", "noise on the line"),
        (b"CN=2011;CP=&&rubbish without any item in it&&", "no item"),
        (b"CN=2011;CP=&& w01003-Rtd =63.0;&&", "blanks"),
        (b"CN=2011;CP=&&\xe4\x3e\x15&&", "under a group"),
    ],
)
def test_text_is_not_taken_for_cipher_text(segment: bytes, name: str) -> None:
    assert not looks_encrypted(segment), name


@pytest.mark.parametrize(
    "segment",
    [
        b"CN=2011;CP=&&short=1&&",
        b"CN=2011",
        b"CN=2011;CP=&&" + CIPHER,
        HEADER + b"{0xE4,0x3E}g=N&&",
        b"",
    ],
)
def test_what_cannot_be_decrypted_is_none(segment: bytes) -> None:
    assert open_segment(segment, KEY) is None


@given(st.binary(max_size=200), st.binary(min_size=16, max_size=16), st.booleans())
def test_what_was_sealed_is_opened(body: bytes, key: bytes, printed: bool) -> None:
    plain = HEADER + body + b"&&"
    sealed = seal_segment(plain, key, printed=printed)
    assert open_segment(sealed, key) == (plain if len(body) >= 16 else None)


@given(st.integers(1, 12), st.binary(min_size=16, max_size=16))
def test_sealed_data_is_seen_to_be_encrypted(factors: int, key: bytes) -> None:
    plain = HEADER + b"DataTime=20240520210600" + b";a21026-Rtd=35.2,a21026-Flag=N" * factors + b"&&"
    assert looks_encrypted(seal_segment(plain, key))
    assert looks_encrypted(seal_segment(plain, key, printed=True))
