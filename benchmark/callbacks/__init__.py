"""What is watched while a trial trains: clocks, curves, divergence, and the mirror on W&B."""
