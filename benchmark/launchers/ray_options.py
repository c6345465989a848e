"""Options of the launcher ``ray``."""

from dataclasses import dataclass

from benchmark.launchers.options import Flag, LauncherOptions, option


@dataclass(frozen=True, kw_only=True)
class RayOptions(LauncherOptions):
    """Options of the launcher ``ray``.

    Args:
        address: Address of a cluster, such as ``auto``; empty to start one on this machine.
        returns_files: The nodes share no folder: each task returns what its trial wrote.
    """

    address: str = option(
        "",
        Flag(
            name="--ray-address",
            help="Ray cluster for --launcher ray, such as auto or HOST:6379; by default, one is "
            "started on this machine.",
        ),
    )
    returns_files: bool = option(
        False,
        Flag(
            name="--ray-return-files",
            help="The Ray nodes do not share the results folder: send the trials' files back.",
        ),
    )
