import itertools
import shutil

import numpy as np
import pytest
from PIL import Image

from benchmark.workbench.landscape.figure import _figure, can_write_mp4, draw_film, draw_picture
from benchmark.workbench.landscape.view import View


@pytest.mark.slow
def test_a_picture_is_drawn_for_every_way_to_choose_the_rate(trajectories, tmp_path):
    pictures = []
    for rate in ("best", "own", 5.0):
        target = tmp_path / f"{rate}.png"
        draw_picture(trajectories, View(lr=rate, noisy=True), target, "png")
        pictures.append(np.asarray(Image.open(target).convert("L"), dtype=float)[:500])
    assert all((one != other).any() for one, other in itertools.pairwise(pictures))


def test_the_legend_says_the_learning_rates_unless_one_is_for_all(trajectories):
    best = [[f"{trajectories.lrs[lr]:g}" for lr in lrs] for lrs in View().places(trajectories)]
    told = View().rates(trajectories)
    assert told == [each[0] if each[0] == each[1] else " · ".join(each) for each in best]
    assert View(lr="own").rates(trajectories) == ["0.001", "0.001", "0.001", "0.3"]
    assert View(lr=5.0).rates(trajectories) == [""] * 4
    names = [text.get_text() for text in _figure(trajectories, View())[0].legends[0].get_texts()]
    assert names == [
        f"{walker.label}, lr {rate}"
        for walker, rate in zip(trajectories.walkers, told, strict=True)
    ]


@pytest.mark.slow
def test_a_gif_moves_and_rests_at_the_end(trajectories, tmp_path):
    target = tmp_path / "film.gif"
    draw_film(trajectories, View(), target, "gif")
    with Image.open(target) as film:
        assert film.n_frames == trajectories.steps + 1
        first = np.asarray(film.convert("RGB"), dtype=int)
        film.seek(film.n_frames - 1)
        assert film.info["duration"] == 2000
        assert (np.abs(np.asarray(film.convert("RGB"), dtype=int) - first) > 30).any()


def test_mp4_can_be_written_where_ffmpeg_is():
    assert can_write_mp4() == (shutil.which("ffmpeg") is not None)


@pytest.mark.skipif(not shutil.which("ffmpeg"), reason="ffmpeg is not here to write an mp4")
def test_an_mp4_is_written(trajectories, tmp_path):
    draw_film(trajectories, View(), tmp_path / "film.mp4", "mp4")
    assert (tmp_path / "film.mp4").read_bytes()[4:8] == b"ftyp"
