"""The destination of a study's copies on Weights & Biases, chosen before its trials start.

No API key passes through here: wandb finds it by itself, in the environment or in the user's netrc.
"""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, cast, get_args

from benchmark.errors import UsageError
from benchmark.mirror.wandb_private import has_netrc_login, server_url
from datamodules.network import reachable

Mode = Literal["auto", "online", "offline", "disabled"]
MODES = get_args(Mode)
PROJECT = "optimizer-benchmark"  # the default
MOST_TRIALS_ONLINE = 1_000  # larger studies go offline by default, as W&B limits requests


@dataclass(frozen=True, kw_only=True)
class WandbOptions:
    """The user's options for W&B."""

    mode: Mode
    project: str
    entity: str | None


@dataclass(frozen=True, kw_only=True)
class Destination:
    """The destination of the W&B runs of a study.

    Args:
        mode: ``online`` or ``offline``.
        project: W&B project.
        entity: W&B team or user; None for the account's default.
        folder: The study's folder; offline runs are in its ``wandb`` folder.
        study: The study's name.
    """

    mode: Literal["online", "offline"]
    project: str
    entity: str | None
    folder: Path
    study: str


def choose_destination(
    mode: Mode,
    *,
    project: str,
    entity: str | None,
    folder: Path,
    study: str,
    num_trials: int = 0,
) -> tuple[Destination | None, str]:
    """Return the destination, None if W&B is disabled, and one line that describes it.

    ``auto`` means the mode in $WANDB_MODE, if that is set. Otherwise it means online if there are
    credentials, the server answers, and the number of trials fits its rate limits; and offline if
    not.

    Raises:
        UsageError: ``online`` was requested without credentials, or a setting of W&B in the
            environment is not valid.
    """
    if os.environ.get("WANDB_MODE") == "":
        del os.environ["WANDB_MODE"]  # wandb refuses an empty value, whatever mode it is given
    mode = _asked_in_environment() if mode == "auto" else mode
    if mode == "auto" and num_trials > MOST_TRIALS_ONLINE:
        mode, note = "offline", f"{num_trials} trials are many for its rate limits. "
    else:
        note = ""
    if mode == "disabled":
        return None, "W&B: disabled"
    online = mode != "offline"
    server = _server() if online else ""
    if online and not _has_credentials(server):
        if mode == "online":
            raise UsageError(
                f"--wandb online needs an account on {server}: run `wandb login` or set "
                "WANDB_API_KEY; or use --wandb offline"
            )
        online = False
    if online and not reachable(server):
        online = False
        note = f"warning: the W&B server {server} does not answer. "
    destination = Destination(
        mode="online" if online else "offline",
        project=project,
        entity=entity,
        folder=folder,
        study=study,
    )
    if online:
        return destination, f"W&B: online, project {project!r} at {server}"
    runs = folder / "wandb"
    return destination, f"{note}W&B: offline, in {runs} (upload: wandb sync {runs}/offline-run-*)"


def _asked_in_environment() -> Mode:
    asked = os.environ.get("WANDB_MODE", "auto")
    if asked not in MODES:
        raise UsageError(f"WANDB_MODE is {asked!r}: expected one of {', '.join(MODES)}, or unset")
    return cast(Mode, asked)


def _has_credentials(server: str) -> bool:
    return bool(os.environ.get("WANDB_API_KEY")) or has_netrc_login(server)


def _server() -> str:
    try:
        return server_url()
    except ValueError as error:
        words = " ".join(str(error).split())[:200]
        raise UsageError(f"a WANDB_ variable in the environment is not valid: {words}") from None
