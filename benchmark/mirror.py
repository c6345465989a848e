"""Where trials are mirrored on Weights & Biases, decided once per study before workers start.

The mirror of a single trial is in `callbacks.wandb`. No API key passes through here: wandb finds
it by itself, in the environment or in the user's netrc.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, cast, get_args

from benchmark.spec import UsageError
from datamodules.network import reachable

Mode = Literal["auto", "online", "offline", "disabled"]
MODES = get_args(Mode)
INIT_SECONDS = 10  # a server that takes longer to open a run counts as unreachable
FINISH_SECONDS = 20


@dataclass(frozen=True, kw_only=True)
class Mirror:
    """Where trials are mirrored to.

    Args:
        mode: ``online`` or ``offline``.
        project: W&B project.
        entity: W&B team or user; None for the account's default.
        folder: The study's folder; offline runs lie in its ``wandb``.
        study: The study's name.
    """

    mode: Literal["online", "offline"]
    project: str
    entity: str | None
    folder: Path
    study: str


def choose_mirror(
    mode: Mode, *, project: str, entity: str | None, folder: Path, study: str
) -> tuple[Mirror | None, str]:
    """Return where to mirror to, and one line that says so.

    ``auto`` is online if there are credentials and the server answers, else offline; $WANDB_MODE
    decides before that.

    Raises:
        UsageError: ``online`` was asked for and there are no credentials, or a setting of W&B in
            the environment is not valid.
    """
    mode = _asked_in_environment() if mode == "auto" else mode
    if mode == "disabled":
        return None, "W&B: disabled"
    online, note = mode != "offline", ""
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
    mirror = Mirror(
        mode="online" if online else "offline",
        project=project,
        entity=entity,
        folder=folder,
        study=study,
    )
    if online:
        return mirror, f"W&B: online, project {project!r} at {server}"
    runs = folder / "wandb"
    return mirror, f"{note}W&B: offline, in {runs} (upload: wandb sync {runs}/offline-run-*)"


@contextmanager
def shared_service(mirror: Mirror | None) -> Iterator[None]:
    """Run one wandb-core for all workers; they find it through the environment."""
    if mirror is None:
        yield
        return
    import wandb

    session = wandb.setup(lean_settings())
    try:
        yield
    finally:
        session  # noqa: B018  # held until the workers are done
        wandb.teardown()


def lean_settings() -> Any:
    """Return wandb settings without what costs time or says more of the machine than is asked."""
    import wandb

    return wandb.Settings(
        console="off",
        silent=True,
        x_disable_stats=True,
        x_disable_meta=True,
        disable_git=True,
        disable_code=True,
        x_save_requirements=False,
        init_timeout=INIT_SECONDS,
        finish_timeout=FINISH_SECONDS,
        finish_timeout_raises=False,
    )


def _asked_in_environment() -> Mode:
    asked = os.environ.get("WANDB_MODE") or "auto"
    if asked not in MODES:
        raise UsageError(f"WANDB_MODE is {asked!r}: expected one of {', '.join(MODES)}, or unset")
    return cast(Mode, asked)


def _has_credentials(server: str) -> bool:
    if os.environ.get("WANDB_API_KEY"):
        return True
    from wandb.errors import AuthenticationError
    from wandb.sdk.lib import wbauth

    try:
        return wbauth.read_netrc_auth(host=server) is not None
    except AuthenticationError:
        return False


def _server() -> str:
    """Return the server's URL as wandb finds it: environment, then its settings files."""
    import wandb

    settings = wandb.Settings()
    try:
        settings.update_from_system_settings()
        settings.update_from_env_vars(dict(os.environ))
    except ValueError as error:
        words = " ".join(str(error).split())[:200]
        raise UsageError(f"a WANDB_ variable in the environment is not valid: {words}") from None
    return str(settings.base_url).rstrip("/")
