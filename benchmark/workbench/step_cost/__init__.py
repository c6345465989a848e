"""What one step of an optimizer costs, in time and memory, next to torch's own and to the limit.

A *shape* is a set of parameter tensors. A *heat* is one optimizer on one shape: its modes of
execution, torch's implementations of the same rule, and a plain copy that says how fast memory is,
all taking short turns, so that what disturbs the machine hits all alike.
"""
