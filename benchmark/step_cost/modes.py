"""The names of the modes of execution: ours, and torch's besides its default; no torch."""

OWN_MODES = ("auto", "loop", "packed", "compiled")
TORCH_MODES = ("foreach", "fused")
