"""The networks of the benchmark, one LightningModule per file; heavy, so imported only by name."""
