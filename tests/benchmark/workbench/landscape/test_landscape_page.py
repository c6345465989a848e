import base64
import json
import re
import zlib
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest

from benchmark.report.page.modules import joined
from benchmark.workbench.landscape.page import page, section
from benchmark.workbench.landscape.payload import payload, relief
from benchmark.workbench.landscape.trajectories import log_gaps
from benchmark.workbench.landscape.view import View


def unpack(text, shape):
    """Undo the packing as the script does."""
    low, high = np.frombuffer(zlib.decompress(base64.b64decode(text)), np.uint8).reshape(2, -1)
    changes = low.astype(np.uint16) + (high.astype(np.uint16) << 8)
    return changes.reshape(shape).cumsum(axis=-1, dtype=np.uint16)


@pytest.fixture(scope="module")
def data(trajectories):
    return json.loads(payload(trajectories, View()))


def unpacked(data, trajectories, place):
    """Return x, y, log10 gap of a scene as the page sees them, each (W, P, N, L, T)."""
    x, y, gap = unpack(data["scenes"][place]["paths"], (3, *trajectories.gaps[:, place].shape))
    left, right, bottom, top = trajectories.scenes[place].window
    return (
        left + (x.astype(float) - data["origin"]) / data["units"] * (right - left),
        bottom + (y.astype(float) - data["origin"]) / data["units"] * (top - bottom),
        data["gap_low"] + data["gap_step"] * gap,
    )


@pytest.mark.parametrize("place", [0, 1])
def test_the_page_has_the_positions_and_losses_that_were_computed(data, trajectories, place):
    x, y, gap = unpacked(data, trajectories, place)
    left, right, bottom, top = trajectories.scenes[place].window
    true_x, true_y = (
        trajectories.positions[:, place, ..., 0],
        trajectories.positions[:, place, ..., 1],
    )
    with np.errstate(invalid="ignore"):
        near = (np.abs(true_x) < 2 * (right - left)) & (np.abs(true_y) < 2 * (top - bottom))
    assert near.mean() > 0.5
    assert np.abs(x - true_x)[near].max() <= 0.51 * (right - left) / data["units"]
    assert np.abs(y - true_y)[near].max() <= 0.51 * (top - bottom) / data["units"]
    true_gap = log_gaps(trajectories.gaps[:, place])
    told = ~np.isnan(true_gap) & (true_gap < 6)
    assert np.abs(gap - true_gap)[told].max() <= 0.51 * data["gap_step"]


def test_a_path_that_diverges_is_told_and_stays_where_it_last_was(data, trajectories):
    at = (0, 0, 0, 0, 2)  # sgd, Rosenbrock, first start, no noise, highest rate
    lost = int(trajectories.diverged_at()[at])
    assert 1 < lost <= trajectories.steps
    shape = trajectories.gaps[:, 0].shape[:-1]
    assert np.reshape(data["scenes"][0]["diverged"], shape)[0, 0, 0, 2] == lost
    x, *_ = unpacked(data, trajectories, 0)
    assert (x[0, 0, 0, 2, lost:] == x[0, 0, 0, 2, lost - 1]).all()


def test_what_is_too_far_out_is_pulled_straight_to_the_rim_of_the_numbers(trajectories):
    positions = trajectories.positions.copy()
    left, right, bottom, top = trajectories.scenes[0].window
    middle = np.array([(left + right) / 2, (bottom + top) / 2])
    positions[0, 0, 0, 0, 0, 5] = middle + 1000 * np.array([right - left, 0.5 * (top - bottom)])
    moved = replace(trajectories, positions=positions)
    x, y, _ = unpacked(json.loads(payload(moved, View())), moved, 0)
    found = np.array([x[0, 0, 0, 0, 5], y[0, 0, 0, 0, 5]]) - middle
    assert found == pytest.approx([4 * (right - left), 2 * (top - bottom)], rel=1e-3)


def test_relief_reaches_from_0_to_1_and_is_0_at_one_point_in_a_hundred(trajectories):
    for scene in trajectories.scenes:
        heights = relief(scene)
        assert heights.min() == 0
        assert heights.max() == 1
        assert (heights == 0).mean() == pytest.approx(0.01, abs=0.002)


def test_the_page_asks_for_nothing_from_anywhere(trajectories):
    text = page(trajectories, View())
    found = re.sub(r'"http://www.w3.org/2000/svg"', "", text)  # a name, not an address to fetch
    assert not re.search(r"https?:|//cdn|@import|url\((?!#)", found)

    urls = []

    class Links(HTMLParser):
        def handle_starttag(self, tag, attributes):
            urls.extend(value for name, value in attributes if name in ("src", "href"))

    Links().feed(text)
    assert urls == ["data:,"]  # no icon is asked for either


def test_labels_cannot_end_the_data(trajectories):
    text = section(trajectories, View()).html
    assert text.count("</script>") == 1
    assert "alert(1)" in text
    labels = [walker["label"] for walker in json.loads(payload(trajectories, View()))["walkers"]]
    assert labels == [walker.label for walker in trajectories.walkers]


def test_script_has_no_learning_rule_of_its_own(trajectories):
    script = joined(section(trajectories, View()).script)
    assert not re.search(r"momentum|beta1|gradient\s*\*", script)


def test_the_size_of_paths_stays_within_a_byte_a_number(trajectories):
    size = sum(len(scene["paths"]) for scene in json.loads(payload(trajectories, View()))["scenes"])
    assert size < 3 * trajectories.gaps.size


def test_view_chooses_best_own_or_one_rate_for_all(trajectories):
    best = trajectories.best()[:, :, 1, 1].tolist()
    assert View(start=1, noisy=True).places(trajectories) == best
    assert View(lr="own").places(trajectories) == [[3, 3]] * 4
    assert View(lr=0.1).places(trajectories) == [[1, 1]] * 4
