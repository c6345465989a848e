import pytest

from benchmark.report.page.build import build

EVIL = "</script><script>alert(1)</script>\"'&"  # an optimizer's label may be anything


@pytest.fixture
def curve(log):
    """Return a function that makes a trial's log with a given final loss and, if any, accuracy.

    A page with fewer metrics is made faster.
    """

    def make(optimizer="sgd", loss=0.5, accuracy=None, *, points=6, **options):
        rows = [
            {
                "step": i * 10,
                "epoch": float(i),
                "samples": i * 1280,
                "train_seconds": i * (1.0 + options.get("seed", 0) / 10),
                "val/loss": 2.3 - (2.3 - loss) * i / (points - 1),
            }
            for i in range(points)
        ]
        if accuracy is not None:
            for i, row in enumerate(rows):
                row["val/accuracy"] = 0.1 + (accuracy - 0.1) * i / (points - 1)
                row["test/accuracy"] = 0.1 + (accuracy - 0.12) * i / (points - 1)
        return log(optimizer, rows=rows, **options)

    return make


@pytest.fixture
def logs(curve):
    """Return logs of 5 seeds on two problems: adam is best, one of sgd's three rates diverges."""
    return [
        one
        for problem, ease in (("logreg/digits", 0.0), ("mlp/digits", 0.05))
        for seed in range(5)
        for one in (
            curve("adam", 0.2, 0.93 + ease + seed / 1000, lr=0.001, seed=seed, problem=problem),
            curve("sgd", 0.4, 0.90 + ease - seed / 1000, lr=0.1, seed=seed, problem=problem),
            curve("sgd", 0.9, 0.70 + ease, lr=0.01, seed=seed, problem=problem),
            curve(
                "sgd",
                9.0,
                0.1,
                lr=10.0,
                seed=seed,
                problem=problem,
                points=4,
                status="diverged" if seed else "done",
                reason="loss is not finite" if seed else "",
            ),
            curve("nesterov", 0.3, 0.91 + ease, lr=0.1, seed=seed, problem=problem),
        )
    ]


@pytest.fixture(scope="session")
def shelf(tmp_path_factory):
    """Return a folder for pages that several tests share."""
    return tmp_path_factory.mktemp("pages")


@pytest.fixture
def whole(shelf, request):
    """Return the file of the page of `logs`, which is made once."""
    path = shelf / "whole.html"
    if not path.exists():
        file_of, logs = map(request.getfixturevalue, ("file_of", "logs"))
        file_of(*logs).rename(path)
    return path


@pytest.fixture
def file_of(study, tmp_path):
    """Return a function from logs to the file of their page."""

    def write(*found, **options):
        path = tmp_path / "report.html"
        path.write_text(build([study(*found)], **options), encoding="utf-8")
        return path

    return write
