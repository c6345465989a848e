"""The accelerators and precisions of this machine."""

import os


def why_not(accelerator: str, precision: str) -> str:
    """Return why a trial cannot run here with these two, or "" if it can.

    Torch is loaded only to find a GPU.
    """
    if accelerator == "gpu" and not gpu_ids():
        return "no CUDA or ROCm device is visible to torch"
    if accelerator == "mps" and not _has_mps():
        return "torch finds no Apple GPU (mps)"
    if accelerator == "cpu" and precision.startswith("16"):
        return f"precision {precision} needs a GPU; on the CPU there is bf16"
    if accelerator == "mps" and precision == "64-true":
        return "mps has no 64-bit floats"
    return ""


def _has_mps() -> bool:
    import torch

    return torch.backends.mps.is_available()


def gpu_ids() -> tuple[str, ...]:
    """Return the ids of the visible GPUs, in the form of CUDA_VISIBLE_DEVICES."""
    import torch

    count = torch.cuda.device_count()
    visible = [name for name in os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",") if name]
    return tuple(visible[:count]) if visible else tuple(map(str, range(count)))


def cpu_cores() -> int:
    """Return how many CPU cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
