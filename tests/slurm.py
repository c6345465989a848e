"""A Slurm cluster on this machine, with daemons and files of its own, for tests as root."""

import contextlib
import os
import shutil
import socket
import subprocess
import time
from pathlib import Path

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "squeue", "scancel", "scontrol")
MOST_TASKS = 4  # MaxArraySize
_CONFIG = """
ClusterName=test
SlurmctldHost={host}({address})
SlurmctldPort={ports[0]}
SlurmdPort={ports[1]}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SwitchType=switch/none
MpiDefault=none
ReturnToService=2
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SlurmdParameters=config_overrides
SchedulerParameters=sched_interval=1,batch_sched_delay=0
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
MaxArraySize={most}
KillWait=2
JobRequeue=1
NodeName={host} NodeAddr={address} CPUs=2 RealMemory=16000 State=UNKNOWN
PartitionName=low Nodes={host} Default=YES State=UP PriorityTier=1 PreemptMode=REQUEUE
PartitionName=high Nodes={host} State=UP PriorityTier=10 PreemptMode=OFF
"""


def why_not():
    """Return why no cluster can be started here, or "" if one can."""
    missing = [name for name in PROGRAMS if not _program(name)]
    if missing:
        return f"{missing[0]} is not installed: apt-get install slurm-wlm munge"
    return "" if os.geteuid() == 0 else "Slurm's daemons are started as root"


@contextlib.contextmanager
def cluster(folder: Path):
    """Start a cluster of one node with two CPUs; yield the environment of its commands."""
    for name in ("state", "spool"):
        (folder / name).mkdir()
    key = folder / "munge.key"
    key.write_bytes(os.urandom(128))
    key.chmod(0o400)
    folder.chmod(0o755)
    config = folder / "slurm.conf"
    config.write_text(
        _CONFIG.format(
            host=socket.gethostname(),
            address=_address(),
            folder=folder,
            ports=_free_ports(),
            most=MOST_TASKS,
        )
    )
    environment = {**os.environ, "SLURM_CONF": str(config)}
    own = [f"--{name}={folder}/munge.{name.split('-')[0]}" for name in ("pid-file", "log-file")]
    munged = ("munged", "--foreground", "--force", f"--socket={folder}/munge.socket", *own)
    commands = (
        (*munged, f"--key-file={key}", f"--seed-file={folder}/munge.seed"),
        ("slurmctld", "-D", "-c"),
        ("slurmd", "-D"),
    )
    daemons = []
    try:
        for command in commands:
            daemons.append(_started(command, environment, folder))
            time.sleep(0.5)
        _wait_for_node(environment, folder)
        yield environment
    finally:
        subprocess.run(["scancel", "-u", "root"], env=environment, check=False, timeout=30)
        for daemon in reversed(daemons):
            daemon.terminate()
        for daemon in daemons:
            with contextlib.suppress(subprocess.TimeoutExpired):
                daemon.wait(timeout=10)
            daemon.kill()


def _program(name):
    return shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")


def _started(command, environment, folder):
    with (folder / f"{command[0]}.log").open("w") as log:
        return subprocess.Popen(
            [_program(command[0]), *command[1:]], env=environment, stdout=log, stderr=log
        )


def _wait_for_node(environment, folder, seconds=60):
    deadline = time.monotonic() + seconds
    while True:
        done = subprocess.run(
            ["sinfo", "-h", "-o", "%T"], env=environment, capture_output=True, text=True
        )
        if "idle" in done.stdout:
            return
        if time.monotonic() > deadline:
            logs = "\n".join(path.read_text()[-2000:] for path in folder.glob("*.log"))
            raise RuntimeError(f"Slurm's node is not ready: {done.stdout} {done.stderr}\n{logs}")
        time.sleep(0.2)


def _address():
    with contextlib.suppress(OSError):
        found = socket.gethostbyname(socket.gethostname())
        if found:
            return found
    return "127.0.0.1"


def _free_ports():
    with socket.socket() as one, socket.socket() as two:
        one.bind(("", 0))
        two.bind(("", 0))
        return one.getsockname()[1], two.getsockname()[1]
