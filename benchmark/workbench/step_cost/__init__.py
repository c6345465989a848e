"""The cost of an optimizer's step in time and memory, relative to torch and to the memory limit.

A *shape* is a set of parameter tensors. A *heat* times one optimizer on one shape: its modes of
execution, torch's implementations of the same rule, and a plain copy that measures the speed of
memory. All take short turns, so that a disturbance of the machine affects all alike.
"""
