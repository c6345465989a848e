import pytest

from benchmark.workbench.landscape.page import page as page_text
from benchmark.workbench.landscape.view import View
from tests.grids import taking_turns

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def file(trajectories, tmp_path_factory):
    path = tmp_path_factory.mktemp("page") / "landscape.html"
    path.write_text(page_text(trajectories, View()), encoding="utf-8")
    return path


@pytest.fixture
def opened(open_page, file):
    """Return a function that opens the page with what follows in its address, and waits."""

    def open_at(hash_="", **window):
        page = open_page(file, hash_, **window)
        page.wait_for_function("document.querySelector('#landscape-step-value')?.value")
        return page

    return open_at


def hash_of(page):
    return page.evaluate("decodeURIComponent(location.hash)")


def picture(page, name):
    """Return what a chart shows: its marks, and the picture under them if it has one."""
    return page.locator(f"#landscape-{name}").evaluate(
        "host => [host.querySelector('svg').innerHTML, host.querySelector('canvas')?.toDataURL()]"
    )


def frame_of(page, name):
    """Return the box of a chart's frame, without the axes around it."""
    inside = "canvas" if name == "map" else "svg > line.axis"
    return page.locator(f"#landscape-{name} {inside}").bounding_box()


def place_of(page, scene, x, y):
    """Return the pixels of a place on the map."""
    box, (left, right, bottom, top) = frame_of(page, "map"), scene.window
    return (
        box["x"] + (x - left) / (right - left) * box["width"],
        box["y"] + (top - y) / (top - bottom) * box["height"],
    )


def cells(page, row):
    return page.locator("#landscape-legend tbody tr").nth(row).locator("td").all_inner_texts()


def differs(page, change):
    """Whether both pictures change when `change` is done."""
    before = picture(page, "map"), picture(page, "strip")
    change()
    page.wait_for_timeout(100)
    after = picture(page, "map"), picture(page, "strip")
    return before[0] != after[0], before[1] != after[1]


def test_the_whole_path_is_shown_at_first(opened, trajectories):
    page = opened()
    assert page.locator("#landscape-step-value").inner_text() == "step 40 of 40"
    assert page.locator("#landscape-play").inner_text() == "Play"
    assert hash_of(page) == ""
    lr, x, y, loss, standing = cells(page, 1)
    place = trajectories.best()[1, 0, 0, 0]
    assert lr.rstrip("*") == f"{trajectories.lrs[place]:g}"
    true_x, true_y = trajectories.positions[1, 0, 0, 0, place, -1]
    assert float(x.replace("−", "-")) == pytest.approx(true_x, abs=1e-3)
    assert float(y.replace("−", "-")) == pytest.approx(true_y, abs=1e-3)
    assert float(loss.replace("−", "-")) == pytest.approx(
        trajectories.gaps[1, 0, 0, 0, place, -1], rel=2e-3
    )
    assert standing == ""


@pytest.mark.slow
def test_surface_start_and_noise_change_pictures_words_and_address(opened):
    page = opened()
    choose = page.locator("#landscape-surface")
    assert differs(page, lambda: choose.select_option(label="Saddle with walls")) == (True, True)
    assert "x² − y² + y⁴/2" in page.locator(".about").inner_text()
    assert hash_of(page) == "#l.surface=saddle"
    start = page.locator("#landscape-start")
    assert differs(page, lambda: start.select_option(label="2: (−1.37, 0.1)")) == (True, True)
    noise = page.locator("#landscape-noise")
    assert differs(page, noise.check) == (True, True)
    assert "Noise of standard deviation" in page.locator(".about").inner_text()
    assert hash_of(page) == "#l.surface=saddle&l.start=2&l.noise=1"


@pytest.mark.slow
def test_learning_rates_are_each_best_each_own_or_one_for_all(opened):
    page = opened()
    mode, slider = page.locator("#landscape-mode"), page.locator("#landscape-lr")
    mode.select_option(label="each at its own")
    assert [cells(page, row)[0] for row in range(4)] == ["0.001", "0.001", "0.001", "0.3"]
    assert "rate it was given" in page.locator("#landscape-rule").inner_text()
    mode.select_option(label="the same for all")
    assert [cells(page, row)[0] for row in range(4)] == ["0.1"] * 4
    slider.focus()
    assert differs(page, lambda: page.keyboard.press("ArrowRight")) == (True, True)
    assert [cells(page, row)[0] for row in range(4)] == ["5"] * 4
    assert page.locator("#landscape-lr-value").inner_text() == "5"
    assert hash_of(page) == "#l.lr=5"


@pytest.mark.slow
def test_moving_the_slider_means_the_same_for_all(opened):
    page = opened()
    page.locator("#landscape-lr").focus()
    page.keyboard.press("ArrowLeft")
    assert page.locator("#landscape-mode").evaluate("e => e.selectedOptions[0].text") == (
        "the same for all"
    )
    assert hash_of(page) == "#l.lr=0.001"


def test_a_diverged_path_is_said_and_has_no_numbers(opened, trajectories):
    page = opened("#l.lr=5")
    step = int(trajectories.diverged_at()[0, 0, 0, 0, 2])
    assert cells(page, 0) == ["5", "—", "—", "—", f"diverged at step {step}"]
    page.locator("#landscape-step").fill("1")
    x, y, loss, standing = cells(page, 0)[1:]
    assert (x, y) == ("far", "far")
    assert loss.startswith("> ")
    assert standing == "left at step 1"


@pytest.mark.slow
def test_play_runs_to_the_end_and_pause_stops(opened):
    page = opened("#l.speed=0.25")  # 5 s for all 40 steps: time to stop on a busy machine
    play, step = page.locator("#landscape-play"), page.locator("#landscape-step")
    play.click()
    assert play.inner_text() == "Pause"
    page.wait_for_function("Number(document.querySelector('#landscape-step').value) > 1")
    play.click()
    assert play.inner_text() == "Play"
    stopped = step.input_value()
    assert 1 < int(stopped) < 40
    page.wait_for_timeout(150)
    assert step.input_value() == stopped
    assert hash_of(page) == f"#l.step={stopped}&l.speed=0.25"
    page.locator("#landscape-speed").select_option(label="4 ×")
    play.click()
    page.wait_for_function("document.querySelector('#landscape-step').value === '40'")
    page.wait_for_function("document.querySelector('#landscape-play').textContent === 'Play'")


@pytest.mark.slow
def test_scrubbing_by_keyboard_or_on_the_strip_moves_both_pictures(opened):
    page = opened()
    page.locator("#landscape-step").focus()
    assert differs(page, lambda: page.keyboard.press("ArrowLeft")) == (True, True)
    assert page.locator("#landscape-step-value").inner_text() == "step 39 of 40"
    page.locator("#landscape-strip").scroll_into_view_if_needed()
    box = frame_of(page, "strip")
    middle = box["x"] + box["width"] / 2, box["y"] - 60
    assert differs(page, lambda: page.mouse.click(*middle)) == (True, True)
    assert page.locator("#landscape-step-value").inner_text() == "step 20 of 40"


@pytest.mark.slow
def test_the_legend_hides_and_shows(opened):
    page = opened()
    box = page.locator("#landscape-legend input").first
    assert differs(page, box.uncheck) == (True, True)
    assert hash_of(page) == "#l.off=sgd"
    page.get_by_role("button", name="none").click()
    assert page.locator("#landscape-legend input:checked").count() == 0
    page.get_by_role("button", name="all").click()
    assert page.locator("#landscape-legend input:checked").count() == 4
    assert hash_of(page) == ""


def test_pointing_at_a_path_tells_step_place_loss_and_rate(opened, trajectories):
    page = opened("#l.lr=0.1&l.step=30&l.off=sgd&l.off=torch.optim.AdamW")
    tip = page.locator("#landscape-map .readout")
    x, y = trajectories.positions[1, 0, 0, 0, 1, 30]
    page.mouse.move(*place_of(page, trajectories.scenes[0], x, y))
    lines = tip.inner_text().splitlines()
    assert lines[0] in {walker.label for walker in trajectories.walkers}
    assert lines[1] == "step 30"
    assert lines[2].startswith(f"x {x:.2f}"[:-1].replace("-", "−"))
    assert lines[3].startswith("loss ")
    assert lines[4] == "lr 0.1"
    box = frame_of(page, "map")
    page.mouse.move(box["x"] + box["width"] - 8, box["y"] + 40)
    assert not tip.is_visible()


@pytest.mark.slow
def test_the_strip_tells_the_nearest_curve_and_scrubs_with_a_finger(opened, trajectories):
    page = opened("#l.lr=0.1&l.off=sgd", touch=True)
    box, tip = frame_of(page, "strip"), page.locator("#landscape-strip .readout")
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] - 80)
    lines = tip.inner_text().splitlines()
    assert lines[0] in {walker.label for walker in trajectories.walkers[1:]}
    assert lines[1] == "step 20"
    page.mouse.move(box["x"], box["y"] - 250)
    assert tip.is_hidden()
    page.touchscreen.tap(box["x"] + box["width"] * 18 / 40, box["y"] - 80)
    tip.wait_for()
    assert tip.inner_text().splitlines()[1] == "step 18"
    assert page.locator("#landscape-step-value").inner_text() == "step 18 of 40"


@pytest.mark.slow
def test_arrow_keys_on_the_strip_read_all_curves_at_a_step(opened, trajectories):
    page = opened("#l.lr=0.1")
    page.locator("#landscape-strip svg").focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    first, *rest = page.locator("#landscape-strip .readout").inner_text().splitlines()
    assert first == "step 1"
    assert {walker.label for walker in trajectories.walkers} <= set(rest)
    assert page.locator("#said").inner_text().startswith("step 1, ")


@pytest.mark.slow
def test_a_finger_reads_the_map_until_it_taps_elsewhere(opened, trajectories):
    page = opened("#l.lr=0.1&l.off=sgd", touch=True)
    tip, scene = page.locator("#landscape-map .readout"), trajectories.scenes[0]
    page.touchscreen.tap(*place_of(page, scene, *scene.starts[0]))
    assert "step 0" in tip.inner_text()
    page.locator(".about").tap()
    assert tip.is_hidden()
    page.locator("#landscape-legend input").nth(1).focus()
    assert "adam: " in page.locator("#landscape-summary").inner_text()


@pytest.mark.slow
def test_the_address_restores_the_view_and_later_changes_of_it_too(opened, trajectories):
    evil = trajectories.walkers[3].label
    page = opened()
    page.locator("#landscape-surface").select_option(label="Saddle with walls")
    page.locator("#landscape-start").select_option(index=1)
    page.locator("#landscape-mode").select_option(label="each at its own")
    page.locator("#landscape-noise").check()
    page.locator("#landscape-step").fill("17")
    page.locator("#landscape-speed").select_option(label="2 ×")
    page.locator("#landscape-legend input").nth(3).uncheck()
    address = page.evaluate("location.hash")
    page.mouse.move(0, 0)
    seen = (
        picture(page, "map"),
        picture(page, "strip"),
        page.locator("#landscape-legend").inner_text(),
    )
    again = opened(address)
    again.wait_for_timeout(100)
    assert again.evaluate("location.hash") == address
    table = again.locator("#landscape-legend").inner_text()
    found = picture(again, "map"), picture(again, "strip"), table
    assert found == seen
    assert evil in seen[2]
    again.evaluate("location.hash = '#l.step=3'")
    again.wait_for_function("document.querySelector('#landscape-step').value === '3'")
    assert again.locator("#landscape-legend input:checked").count() == 4


@pytest.mark.slow
def test_what_the_address_says_for_others_is_left_alone(opened):
    page = opened("#metric=loss&l.surface=nowhere&l.lr=77&l.step=-4")
    page.locator("#landscape-noise").check()
    assert hash_of(page) == "#metric=loss&l.noise=1"


def test_labels_stay_text(opened, trajectories):
    page = opened()
    names = page.locator("#landscape-legend tbody th").all_inner_texts()
    assert [name.strip() for name in names] == [walker.label for walker in trajectories.walkers]
    assert page.locator("#landscape script").count() == 1


@pytest.mark.one_in(2)
@taking_turns(("width", "dark"), [390, 1280], [False, True])
def test_nothing_is_wider_than_the_window_in_either_theme(opened, width, dark):
    page = opened("#l.lr=5", width=width, dark=dark)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    paper = page.locator("body").evaluate("e => getComputedStyle(e).backgroundColor")
    assert paper == ("rgb(20, 22, 26)" if dark else "rgb(255, 255, 255)")


@pytest.mark.slow
def test_every_control_can_be_reached_with_the_tab_key(opened):
    page = opened()
    reached = set()
    for _ in range(20):
        page.keyboard.press("Tab")
        reached.add(page.evaluate("document.activeElement.id || document.activeElement.type"))
    assert reached >= {
        f"landscape-{name}"
        for name in ("surface", "start", "mode", "lr", "noise", "play", "step", "speed")
    } | {"checkbox", "button"}


@pytest.mark.slow
def test_a_step_keeps_axes_and_whole_lines_and_shows_what_a_fresh_page_does(opened):
    page = opened("#l.lr=5&l.step=1")
    kept = "#landscape .number, #landscape canvas, #landscape-map .line, #landscape-strip .line"
    page.evaluate("kept => { window.kept = [...document.querySelectorAll(kept)]; }", kept)
    assert differs(page, lambda: page.locator("#landscape-step").fill("30")) == (True, True)
    assert page.evaluate("kept.length > 20 && kept.every((each) => each.isConnected)")
    fresh = opened("#l.lr=5&l.step=30")
    for name in ("map", "strip"):
        assert picture(page, name) == picture(fresh, name)


@pytest.mark.slow
def test_a_frame_takes_less_than_a_tenth_of_a_second(opened):
    page = opened()
    milliseconds = page.evaluate(
        """async () => {
          const step = document.querySelector('#landscape-step');
          const begin = performance.now();
          for (let i = 0; i < 10; i++) {
            step.value = 30 + i;
            step.dispatchEvent(new Event('input'));
            await new Promise((done) => setTimeout(done)); // it is drawn after the event
          }
          return (performance.now() - begin) / 10;
        }"""
    )
    assert milliseconds < 100


def test_style_touches_nothing_outside_the_section(opened):
    selectors = opened().evaluate(
        """() => {
          const all = (rules) => [...rules].flatMap((rule) =>
            rule.selectorText ? [rule.selectorText] : all(rule.cssRules));
          return all(document.styleSheets[1].cssRules);
        }"""
    )
    assert len(selectors) > 20
    assert [selector for selector in selectors if not selector.startswith(".landscape")] == []


@pytest.mark.one_in(2)
@pytest.mark.parametrize(
    ("width", "height"),
    [pytest.param(1280, 900, marks=pytest.mark.slow), (1280, 700), (900, 600)],
)
def test_map_and_curves_are_seen_at_once(opened, width, height):
    page = opened(width=width, height=height)
    for name in ("map", "strip"):
        box = page.locator(f"#landscape-{name}").bounding_box()
        assert box["y"] + box["height"] <= height
        assert box["x"] + box["width"] <= width
