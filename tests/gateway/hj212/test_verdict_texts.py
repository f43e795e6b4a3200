"""Texts of verdicts: each has its own, in both languages, in a form that tables and reports can use."""

from __future__ import annotations

import re

import pytest

from gateway.hj212.verdict_texts import TEXTS, texts_of
from gateway.hj212.verdicts import WORDS, Verdict

CHINESE = re.compile(r"[\u4e00-\u9fff]")


def test_every_verdict_has_texts_and_no_two_are_alike() -> None:
    assert list(TEXTS) == list(WORDS.values())
    for column in zip(*TEXTS.values(), strict=True):
        assert len(set(column)) == len(TEXTS)


@pytest.mark.parametrize("word", WORDS)
def test_labels_are_short_and_sentences_end(word: str) -> None:
    text = TEXTS[WORDS[word]]
    assert len(text.label_en) <= 24 and len(text.label_zh) <= 14
    assert text.en.endswith(".") and text.zh.endswith("。")
    assert CHINESE.search(text.zh) and CHINESE.search(text.label_zh) and not CHINESE.search(text.en)


def test_the_texts_of_a_frame_are_those_of_its_bits() -> None:
    found = texts_of(Verdict.QN_MISSING | Verdict.REPEATED)
    assert [word for word, _ in found] == ["qn_missing", "repeated"]
    assert texts_of(0) == []
