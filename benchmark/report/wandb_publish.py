"""Saving of a study's W&B Report, online or as a file.

The runs must be in the project already (`push` puts them there). A report that cannot be saved is
written to the study's folder as JSON, in W&B's own format.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmark.analysis.judging import Judgement
from benchmark.errors import UsageError
from benchmark.mirror.destination import choose_destination
from benchmark.mirror.wandb_private import report_spec
from benchmark.mirror.wandb_run import service
from benchmark.report.findings import Findings
from benchmark.report.studies import read_studies
from benchmark.report.wandb_report import Project, build_report
from benchmark.store import Store, write_json

SPEC_FILE = "wandb-report.json"


def publish(
    stores: Sequence[Store],
    project: Project,
    reference: str | None = None,
    targets: Mapping[str, float] | None = None,
) -> str:
    """Save the report on W&B, or its spec in the first study's folder if W&B is out of reach.

    A report that was saved from this folder before is replaced.

    Returns:
        A line that says where the report is, and what to do if it is not on W&B.

    Raises:
        UsageError: wandb-workspaces is not installed, no study has a record, the project has no
            runs, or W&B fails.
    """
    studies = read_studies(stores)
    studies.check_any()
    judged = studies.judgements
    findings = studies.findings(reference, targets)
    folder = stores[0].folder
    destination, _ = choose_destination(
        "auto",
        project=project.name,
        entity=project.entity or None,
        folder=folder,
        study=stores[0].study,
    )
    pushes = ", ".join(f"`python -m benchmark push {store.study}`" for store in stores)
    again = f"{pushes} and this command again"
    if destination is None or destination.mode == "offline":
        path = _write_spec(findings, judged, project, folder)
        why = f"no account or no server; its spec is in {path}"
        return f"W&B report: {why}. To save it: `wandb login`, {again}"
    with service(destination), _in_one_line(folder, again):
        return f"W&B report: {_save(findings, judged, project, folder)}"


@contextmanager
def _in_one_line(folder: Path, again: str) -> Iterator[None]:
    """Turn any exception of wandb into a UsageError with what to do."""
    try:
        yield
    except _NoRunsError as error:
        raise UsageError(f"W&B has no project {error}: {again}") from None
    except UsageError:
        raise
    except Exception as error:  # wandb passes on exceptions of any type
        line = " ".join(str(error).split())[:200]
        raise UsageError(
            f"W&B: {type(error).__name__}: {line}; if the report was deleted there, remove "
            f"{folder / SPEC_FILE} and a new one is made"
        ) from error


class _NoRunsError(Exception):
    """The project does not exist; the message is its path."""


def _save(
    findings: Findings, judged: Mapping[str, Judgement], project: Project, folder: Path
) -> str:
    import wandb

    api = wandb.Api()
    entity = project.entity or api.default_entity or ""
    if project.name not in {found.name for found in api.projects(entity)}:
        raise _NoRunsError(f"{entity}/{project.name}")
    report = build_report(findings, Project(name=project.name, entity=entity), judged)
    known = _read(folder / SPEC_FILE)
    if (known.get("entity"), known.get("project")) == (entity, project.name):
        report.id = known.get("id", "")
    report.save()
    _write(report, folder, id=report.id, url=report.url)
    return str(report.url)


def _write_spec(
    findings: Findings, judged: Mapping[str, Judgement], project: Project, folder: Path
) -> Path:
    """Write the spec without asking a server; keep the file's link to the saved report."""
    report = build_report(findings, Project(name=project.name), judged)
    known = _read(folder / SPEC_FILE)
    return _write(report, folder, **{n: v for n, v in known.items() if n != "spec"})


def _read(path: Path) -> dict[str, Any]:
    try:
        known = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    return known if isinstance(known, dict) else {}


def _write(report: Any, folder: Path, **known: str) -> Path:
    path = folder / SPEC_FILE
    spec = report_spec(report)
    content = {"project": report.project, "entity": report.entity} | known | {"spec": spec}
    write_json(path, content)
    return path
