"""One update rule a file, as its paper states it; `optimizers.registry` lists them."""
