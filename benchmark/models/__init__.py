"""The networks of the benchmark, one per file; imported only by name, because that loads torch."""
