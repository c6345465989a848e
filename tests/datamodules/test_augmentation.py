import pytest
import torch
from torch.nn import functional

from datamodules.augmentation import cropped
from tests.datamodules.fakes import TinyCIFAR10, write_cifar10


def drawn(seed=0):
    return torch.Generator().manual_seed(seed)


def windows(image):
    """Return every crop of a padded image and its mirror image, (162, channels, height, width)."""
    height, width = image.shape[1:]
    padded = functional.pad(image, (4,) * 4)
    crops = [padded[:, i : i + height, j : j + width] for i in range(9) for j in range(9)]
    return torch.stack([*crops, *(crop.flip(2) for crop in crops)])


@pytest.mark.one_in(2)
@pytest.mark.parametrize("shape", [(1, 6, 6), (3, 5, 9)])
def test_every_crop_and_mirror_image_is_drawn_about_equally_often_and_nothing_else(shape):
    image = torch.randn(shape)
    found = cropped(image.expand(16_200, *shape), drawn())
    matches = (found[:, None] == windows(image)[None]).flatten(2).all(2)
    assert matches.sum(1).tolist() == [1] * 16_200
    counts = matches.sum(0)
    assert 50 < int(counts.min()) <= int(counts.max()) < 160  # 100 each on average


def test_images_of_a_batch_are_drawn_one_by_one():
    images = torch.randn(1, 3, 6, 6).expand(64, 3, 6, 6)
    assert len({tuple(image.flatten().tolist()) for image in cropped(images, drawn())}) > 30


def prepared(tmp_path, seed, **arguments):
    data = TinyCIFAR10(data_dir=tmp_path, cache_dir=tmp_path / "cache", batch_size=8, **arguments)
    data.prepare_data()
    data.augmentation_seed = seed
    data.setup("fit")
    return data


@pytest.fixture
def files(tmp_path):
    write_cifar10(tmp_path)
    return tmp_path


def epochs(data, count=2):
    loader = data.train_dataloader()
    return [(x, y) for _ in range(count) for x, y in loader]


def equal(first, second):
    return all(torch.equal(a[0], b[0]) for a, b in zip(first, second, strict=True))


def test_crops_depend_on_the_seed_alone_and_differ_from_epoch_to_epoch(files):
    first, again, other, plain = (epochs(prepared(files, seed)) for seed in (1, 1, 2, None))
    assert equal(first, again)
    assert not equal(first, other)
    for batch, original in zip(first, plain, strict=True):
        assert torch.equal(batch[1], original[1])  # the same examples in the same order
        for image, whole in zip(batch[0], original[0], strict=True):
            assert (windows(whole) == image).flatten(1).all(1).any()
    by_epoch = [torch.cat([x for x, _ in part]).sum() for part in (first[:3], first[3:])]
    assert by_epoch[0] != by_epoch[1]


def test_crops_depend_neither_on_chunks_nor_on_pauses(files):
    expected = epochs(prepared(files, 1))
    data = prepared(files, 1, chunk_size=4)
    stretches = data.training_stretches([1, 2, 5, 6])
    found = [batch for _ in range(4) for chunk in stretches for batch in chunk]
    assert equal(found, expected)


def test_images_are_evaluated_as_they_are(files):
    augmented, plain = prepared(files, 1), prepared(files, None)
    for name in ("train_eval_dataloader", "val_dataloader", "test_dataloader"):
        epochs(augmented)
        assert equal(getattr(augmented, name)(), getattr(plain, name)())


def test_drawing_crops_does_not_touch_the_global_random_state(files):
    before = torch.get_rng_state()
    epochs(prepared(files, 1))
    assert torch.equal(torch.get_rng_state(), before)
