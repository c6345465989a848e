"""Tasks, which define loss and metrics, one per file; imported by name, because they load torch."""
