"""The command line, one file per verb; heavy packages are imported only where a verb needs them."""
