"""Texts as windows: alphabet, contiguous parts that the seed places, and the frozen manual."""

import hashlib
import re
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from datamodules.manual import FILE, SHA256, Manual, manual_text
from datamodules.registry import DATASETS
from datamodules.text import ALPHABET, codes, plain, window_tensors
from tests.datamodules.fakes import TinyIMDBText, write_imdb
from tools.freeze_manual import without_repetition

ROOT = Path(__file__).parents[2]
LENGTH = 64


def spelled(numbers):
    return "".join(ALPHABET[number] for number in numbers.flatten().tolist())


@given(st.text(max_size=200))
def test_any_text_becomes_plain_and_a_plain_text_stays_as_it_is(text):
    found = plain(text)
    assert set(found) <= set(ALPHABET)
    assert plain(found) == found
    assert spelled(codes(found)) == found


@pytest.mark.parametrize("text", ["é", "a\tb", "\r\n"])
def test_a_character_outside_the_alphabet_has_no_number(text):
    with pytest.raises(ValueError, match="expected newlines and printable ASCII"):
        codes(text)


def test_targets_are_the_characters_that_follow_also_across_windows():
    text = "".join(ALPHABET[(7 * k) % 96] for k in range(41))
    tensors = window_tensors("pool", text, 10, 4)
    assert tensors["pool.inputs"].shape == tensors["pool.targets"].shape == (10, 4)
    assert spelled(tensors["pool.inputs"]) == text[:40]
    assert spelled(tensors["pool.targets"]) == text[1:]
    with pytest.raises(ValueError, match="expected 45 characters of text, found 41"):
        window_tensors("pool", text, 11, 4)


@pytest.fixture(scope="module")
def manual():
    return manual_text()


def test_the_manual_is_the_frozen_one_and_its_licence_lies_beside_it(manual):
    assert hashlib.sha256(manual.encode()).hexdigest() == SHA256
    assert len(manual) == 373_134
    assert set(manual) <= set(ALPHABET)
    licence = (FILE.parent / "LICENSE.txt").read_text(encoding="utf-8")
    assert "PYTHON SOFTWARE FOUNDATION LICENSE VERSION 2" in licence


def test_a_damaged_manual_is_one_line(monkeypatch, tmp_path):
    import bz2

    from datamodules import manual as module
    from datamodules.errors import DataCorruptError

    for content in (b"no archive", bz2.compress(b"another text")):
        path = tmp_path / "manual.txt.bz2"
        path.write_bytes(content)
        monkeypatch.setattr(module, "FILE", path)
        with pytest.raises(DataCorruptError, match="corrupt"):
            manual_text()


def test_no_paragraph_occurs_twice(manual):
    paragraphs = [" ".join(each.split()) for each in manual.split("\n\n")]
    assert len(set(paragraphs)) == len(paragraphs)
    assert without_repetition([manual, manual]) == manual


def test_the_parts_are_the_text_in_order_and_the_test_part_is_its_end(manual, tmp_path):
    data = Manual(cache_dir=tmp_path)
    data.prepare_data()
    data.setup()
    pool, test = (data._splits[split].examples for split in ("train", "test"))
    size = sum(data.sizes) * LENGTH
    inputs = torch.cat([pool.inputs.values, test.inputs.values])
    targets = torch.cat([pool.targets, test.targets])
    assert (spelled(inputs), spelled(targets)) == (manual[:size], manual[1 : size + 1])
    assert len(manual) - size < LENGTH + 1  # nothing but the last window is left out


def drawn(sizes, split_seed):
    data = Manual(split_seed=split_seed)
    data.sizes = (*sizes, 1)
    return data.train_val_rows(sum(sizes))


sizes = st.tuples(st.integers(1, 300), st.integers(1, 300))
seeds = st.integers(0, 2**32 - 1)


@given(sizes, seeds)
def test_validation_windows_are_consecutive_on_the_ring_and_training_has_the_others(sizes, seed):
    train, val = drawn(sizes, seed)
    total = sum(sizes)
    assert (len(train), len(val)) == sizes
    assert torch.equal(torch.cat([train, val]).sort().values, torch.arange(total))
    steps = sorted(
        (row + 1) % total for row in val.tolist() if (row + 1) % total not in set(val.tolist())
    )
    assert len(steps) == 1  # one place where validation ends
    assert all(map(torch.equal, drawn(sizes, seed), (train, val)))


def test_windows_of_both_parts_come_in_a_random_order():
    for rows in drawn((200, 60), 5):
        assert not torch.equal(rows, rows.sort().values)


def test_every_window_is_validated_about_equally_often():
    counts = torch.zeros(40)
    for seed in range(1000):
        counts[drawn((30, 10), seed)[1]] += 1
    deviation = (1000 * 0.25 * 0.75) ** 0.5
    assert float((counts - 250).abs().max()) < 5 * deviation


def test_reviews_are_lines_in_an_order_that_no_layout_changes(tmp_path):
    write_imdb(tmp_path)
    data = TinyIMDBText(data_dir=tmp_path, cache_dir=tmp_path / "cache")
    data.prepare_data()
    data.setup()
    text = data.texts()["pool"]
    assert sorted(text.split()) == sorted(
        word
        for row in range(30)
        for word in f"film word{row} {'good' if row % 2 else 'bad'}".split()
    )
    inputs = data._splits["train"].examples.inputs.values
    assert spelled(inputs) == text[: inputs.numel()]


@pytest.mark.parametrize("name", [name for name, row in DATASETS.items() if row.text])
def test_the_title_and_the_docs_have_the_same_bits_of_a_trigram_model(name):
    [bits] = re.findall(r"trigram model: (\d\.\d\d) bits", DATASETS[name].title)
    assert bits in (ROOT / "docs" / "data.md").read_text(encoding="utf-8")
