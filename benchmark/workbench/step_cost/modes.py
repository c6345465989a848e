"""Names of the modes of execution: ours, and torch's besides its default; torch is not imported."""

OWN_MODES = ("auto", "loop", "packed", "compiled", "packed-compiled")
TORCH_MODES = ("foreach", "fused")
START_STEPS = 3  # steps that may differ from later ones: compiling, packing, making state
