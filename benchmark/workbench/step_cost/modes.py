"""The modes of execution: ours, and torch's besides its default; no torch."""

OWN_MODES = ("auto", "loop", "packed", "compiled")
TORCH_MODES = ("foreach", "fused")
START_STEPS = 3  # that a mode takes until its steps are alike: compiling, packing, making state
