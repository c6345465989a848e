"""Tasks: what is learnt and how it is scored, one per file; heavy, so imported only by name."""
