"""All uses of private names of wandb and wandb-workspaces, tested with the versions below.

If a later version breaks them, only this file has to change.
"""

import json
import os
import subprocess
import threading
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from benchmark.decode import Row

TESTED_WITH = {"wandb": "0.31.0", "wandb-workspaces": "0.4.13"}
_READ_SECONDS = 60
_SERVICE = "WANDB_SERVICE"  # tells other processes how to reach a wandb-core


def lean_settings(*, init_seconds: float, finish_seconds: float) -> Any:
    """Return wandb settings that save time and send no needless facts about the machine."""
    import wandb

    return wandb.Settings(
        console="off",
        silent=True,
        x_disable_stats=True,
        x_disable_meta=True,
        disable_git=True,
        disable_code=True,
        x_save_requirements=False,
        init_timeout=init_seconds,
        finish_timeout=finish_seconds,
        finish_timeout_raises=True,
        symlink=False,  # `latest-run` is meaningless for several runs at a time
        label_disable=True,  # otherwise wandb reads the main script
    )


def repeat_refused_requests(settings: Any, times: int | None) -> None:
    """Set how many times a run repeats a refused request; None keeps wandb's default."""
    settings.x_graphql_retry_max = times


def server_url() -> str:
    """Return the server's URL from where wandb reads it: the environment, then settings files.

    Raises:
        ValueError: an environment variable is not valid.
    """
    import wandb

    settings = wandb.Settings()
    settings.update_from_system_settings()
    settings.update_from_env_vars(dict(os.environ))
    return str(settings.base_url).rstrip("/")


def has_netrc_login(server: str) -> bool:
    """Return whether the user's netrc has a key for `server`."""
    from wandb.errors import AuthenticationError
    from wandb.sdk.lib import wbauth

    try:
        return wbauth.read_netrc_auth(host=server) is not None
    except AuthenticationError:
        return False


def start_service(settings: Any) -> bool:
    """Start a wandb-core for this process alone; return False if this process has one already.

    Processes that are started later do not use it.

    Raises:
        Exception: the service does not start.
    """
    from wandb.sdk import wandb_setup

    session = wandb_setup._singleton
    if session is not None and session._connection is not None:
        return False
    outer = os.environ.pop(_SERVICE, None)
    try:
        # `wandb.setup` holds a lock while it starts the service; if that fails, it deadlocks.
        wandb_setup._setup(settings=settings, start_service=False).ensure_service()
    finally:
        os.environ.pop(_SERVICE, None)
        if outer is not None:
            os.environ[_SERVICE] = outer
    return True


def end_service(seconds: float) -> None:
    """End this process's wandb-core, and kill it after that many seconds.

    Otherwise wandb would wait for it at the end of the process, forever if it hangs. Before this
    call, every run must be finished or abandoned.
    """
    from wandb.sdk import wandb_setup

    session = wandb_setup._singleton
    connection = session and session._connection
    process = connection._proc._process if connection and connection._proc else None
    thread = threading.Thread(target=_tear_down, daemon=True)
    if seconds > 0:
        thread.start()
        thread.join(seconds)
    wandb_setup._singleton = None
    if connection and connection._cleanup:
        connection._cleanup()  # removes the `atexit` handler
    if process is not None and process.poll() is None:
        process.kill()
        process.wait()


def _tear_down() -> None:
    import wandb

    with suppress(BaseException):  # it calls sys.exit if wandb-core has died
        wandb.teardown()


def run_totals(run: Any) -> tuple[int, Mapping[str, Any]]:
    """Return the number of rows and the summary of a run of `wandb.Api`."""
    return run._attrs["historyLineCount"] or 0, run.summary._json_dict


def read_run(folder: Path) -> tuple[list[Row], dict[str, Any]]:
    """Return the rows and the summary of the run in `folder`, read with wandb's own program."""
    from wandb.util import get_core_path  # `wandb leet inspect` does the same, in 1 s, not 0.03 s

    (file,) = folder.glob("*.wandb")
    command = [get_core_path(), "leet", "inspect", "--json", "--no-observability"]
    command += ["--run-file", str(file), str(folder)]
    done = subprocess.run(
        command, capture_output=True, text=True, check=True, timeout=_READ_SECONDS
    )
    rows: list[Row] = []
    summary: dict[str, Any] = {}
    for record in map(json.loads, done.stdout.splitlines()):
        if record["type"] == "history":
            item = record["history"]["item"]
            rows.append({name: v for name, v in item.items() if not name.startswith("_")})
        elif record["type"] == "summary":
            summary |= record["summary"]["update"]
    return rows, summary


def report_spec(report: Any) -> dict[str, Any]:
    """Return the spec that W&B stores; a server is asked only if the report has an entity.

    Args:
        report: A `wandb_workspaces.reports.v2.Report`.
    """
    spec: dict[str, Any] = report._to_model().spec.model_dump(by_alias=True, exclude_none=True)
    return spec
