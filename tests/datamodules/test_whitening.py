import pytest
import torch

from datamodules.whitening import fit_whitening
from tests.datamodules.fakes import TinyCIFAR10ZCA, write_cifar10


def correlated(examples, size, seed=0):
    """Draw images of `size` pixels whose neighbours are alike, uint8 (examples, 1, 1, size)."""
    draw = torch.Generator().manual_seed(seed)
    walk = torch.randn(examples, size, generator=draw).cumsum(1) * 12 + 128
    return walk.clamp(0, 255).round().to(torch.uint8).view(examples, 1, 1, size)


def covariance(images):
    return torch.cov(images.flatten(1).double().t(), correction=0)


class Small(TinyCIFAR10ZCA):
    def __init__(self, **arguments):
        super().__init__(**arguments)
        self.sizes = (240, 60, 10)
        self.input_shape = (3, 4, 4)


def small(root, cache, seed):
    data = Small(data_dir=root, cache_dir=cache, split_seed=seed)
    data.prepare_data()
    data.setup("fit")
    return data


def inputs(data, split):
    return data._splits[split].slice(0, 300)[0]


@pytest.fixture
def files(tmp_path):
    write_cifar10(tmp_path / "files", size=4, num_train=300)
    return tmp_path / "files"


def test_whitened_images_have_the_identity_as_covariance():
    images = correlated(2_500, 20)
    whitened = fit_whitening(images, torch.arange(2_500), 1e-9)(images)
    assert whitened.shape == images.shape
    assert torch.allclose(whitened.mean(0), torch.zeros(1, 1, 20), atol=1e-4)
    assert torch.allclose(covariance(whitened), torch.eye(20).double(), atol=1e-4)


@pytest.mark.parametrize("epsilon", [1e-4, 1e-2, 1.0])
def test_a_direction_of_variance_v_keeps_the_share_v_over_v_and_epsilon(epsilon):
    images = correlated(2_500, 20)
    variances, directions = torch.linalg.eigh(covariance(images.double() / 255))
    whitened = fit_whitening(images, torch.arange(2_500), epsilon)(images)
    expected = (directions * (variances / (variances + epsilon))) @ directions.t()
    assert torch.allclose(covariance(whitened), expected, atol=1e-5)


def test_whitening_is_symmetric_so_that_images_stay_closest_to_themselves():
    matrix = fit_whitening(correlated(500, 12), torch.arange(500), 1e-5).matrix
    assert torch.allclose(matrix, matrix.t(), atol=1e-9 * float(matrix.abs().max()))


def test_only_the_rows_to_fit_decide_the_transform():
    images, rows = correlated(600, 12), torch.arange(0, 600, 2)
    first = fit_whitening(images, rows, 1e-5)
    changed = images.clone()
    changed[1::2] = 255 - changed[1::2] // 3
    second = fit_whitening(changed, rows, 1e-5)
    assert torch.equal(first.mean, second.mean)
    assert torch.equal(first.matrix, second.matrix)
    third = fit_whitening(changed, torch.arange(600), 1e-5)
    assert not torch.allclose(first.matrix, third.matrix)


def test_fewer_images_than_pixels_and_images_without_any_difference_stay_finite():
    few = correlated(5, 20)
    for images in (few, torch.full_like(few, 7)):
        assert fit_whitening(images, torch.arange(5), 1e-5)(images).isfinite().all()


@pytest.mark.parametrize("seed", [0, 7])
def test_the_training_rows_of_each_seed_are_white_and_the_others_only_nearly(files, tmp_path, seed):
    data = small(files, tmp_path / "cache", seed)
    identity = torch.eye(48).double()
    assert torch.allclose(covariance(inputs(data, "train")), identity, atol=0.01)
    assert inputs(data, "train").dtype == torch.float32
    for split in ("val", "test"):
        assert not torch.allclose(covariance(inputs(data, split)), identity, atol=0.1)


def test_seeds_whiten_differently_from_the_same_prepared_data(files, tmp_path):
    first, second = (small(files, tmp_path / "cache", seed) for seed in (1, 2))
    assert first.checksum == second.checksum
    assert not torch.equal(inputs(first, "test"), inputs(second, "test"))


def test_whitened_bits_depend_neither_on_threads_nor_on_where_they_are_kept(files, tmp_path):
    before = torch.get_num_threads()
    found = []
    for threads in (1, 2):
        torch.set_num_threads(threads)
        found.append(inputs(small(files, tmp_path / str(threads), 3), "train").clone())
        assert torch.get_num_threads() == threads
    torch.set_num_threads(before)
    assert torch.equal(*found)


def test_a_seed_is_whitened_once(files, tmp_path, monkeypatch):
    first = inputs(small(files, tmp_path / "cache", 3), "train").clone()

    def never(*arguments):
        raise AssertionError("it is whitened again")

    monkeypatch.setattr("datamodules.cifar10.fit_whitening", never)
    assert torch.equal(inputs(small(files, tmp_path / "cache", 3), "train"), first)
    with pytest.raises(AssertionError, match="whitened again"):
        small(files, tmp_path / "cache", 4)


@pytest.mark.parametrize(("draw", "folders"), [(0, 1), (1, 2)])
def test_images_whitened_from_other_pixels_are_not_used(files, tmp_path, draw, folders):
    cache = tmp_path / "cache"
    first = inputs(small(files, cache, 0), "test").clone()
    write_cifar10(tmp_path / "others", size=4, num_train=300, seed=draw)
    second = inputs(small(tmp_path / "others", cache, 0), "test")
    assert torch.equal(first, second) is (draw == 0)
    assert len(list(cache.glob("cifar10_zca-whitened-*"))) == folders
