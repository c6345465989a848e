"""What is watched while a trial trains: clocks, curves, divergence."""
