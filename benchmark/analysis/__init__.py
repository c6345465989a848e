"""From records to numbers; neither torch nor Lightning is imported."""
