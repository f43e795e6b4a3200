"""Verdicts as bits: their words, and the memory that combinations of them take."""

from __future__ import annotations

from gateway.hj212.verdicts import COMBINATIONS_KEPT, WORDS, Verdict, words_of


def test_the_words_of_bits_come_in_the_order_of_the_verdicts() -> None:
    assert words_of(Verdict.QN_MISSING | Verdict.CRC_SWAPPED) == ["crc_swapped", "qn_missing"]
    assert words_of(0) == []
    assert len(WORDS) == 38


def test_combinations_that_senders_make_up_do_not_grow_memory() -> None:
    for bits in range(1, 3 * COMBINATIONS_KEPT):
        found = Verdict.NONE
        for place in range(bits.bit_length()):
            if bits >> place & 1:
                found |= Verdict(1 << place)
        assert found.value == bits
        assert len(Verdict._value2member_map_) <= COMBINATIONS_KEPT + len(WORDS) + 2
    assert Verdict(1 << 11) is Verdict.QN_MISSING
    assert Verdict(0) is Verdict.NONE
