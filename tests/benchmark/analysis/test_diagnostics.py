from benchmark.analysis.diagnostics import QUANTITIES, diagnostics

AXES = {"epoch": 0.0, "samples": 0, "train_seconds": 0.0}


def look(step, **values):
    named = {f"inside/{name.replace('__', '/')}": value for name, value in values.items()}
    return {"step": step, **AXES, "train_seconds": step / 2, **named}


ROWS = [
    look(1, weights__cosine=0.5, all__cosine=0.25, weights__gradient_norm=3.0),
    {"step": 10, **AXES, "val/loss": 1.0},
    look(21, weights__cosine=0.75, all__gradient_norm=2.0),
]


def test_every_value_has_a_row_with_its_group_quantity_and_place(frames_of, log):
    found = diagnostics(frames_of(log(rows=ROWS)))
    assert found.select("group", "quantity", "x", "y").rows() == [
        ("weights", "gradient_norm", 1.0, 3.0),
        ("weights", "cosine", 1.0, 0.5),
        ("weights", "cosine", 21.0, 0.75),
        ("all", "gradient_norm", 21.0, 2.0),
        ("all", "cosine", 1.0, 0.25),
    ]
    assert set(found["optimizer"]) == {"sgd"}


def test_any_axis_can_be_chosen(frames_of, log):
    found = diagnostics(frames_of(log(rows=ROWS)), "train_seconds")
    assert found["x"].unique().sort().to_list() == [0.5, 10.5]


def test_a_failed_trial_is_no_result_and_a_diverged_one_is(frames_of, log):
    logs = [log(seed=i, rows=ROWS, status=s) for i, s in enumerate(("failed", "diverged"))]
    assert diagnostics(frames_of(*logs))["seed"].unique().to_list() == [1]


def test_without_diagnostics_the_table_is_empty_with_all_its_columns(frames_of, log):
    for frames in (frames_of(), frames_of(log(values=[2.0, 1.0]))):
        found = diagnostics(frames)
        assert found.is_empty()
        assert found.columns[-4:] == ["group", "quantity", "x", "y"]


def test_what_is_inside_and_what_it_costs_are_no_metrics_to_choose_from(frames_of, log):
    rows = [*ROWS, {"step": 30, **AXES, "state_bytes": 8, "parameters": 2}]
    assert frames_of(log(rows=rows)).metrics == ("val/loss",)


def test_the_quantities_of_the_log_are_known(trials_of, digits):
    from benchmark.callbacks.inside import Sums

    assert tuple(Sums().quantities()) == QUANTITIES
