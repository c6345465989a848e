"""Update rules as their papers state them, one per file; `optimizers.registry` lists them."""
