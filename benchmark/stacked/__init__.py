"""Many trials of one problem, trained as one batched network.

Each trial in a pack gets a record of its own. On a CPU its results do not depend on the other
trials of the pack. Its seconds are the pack's, divided by the number of trials.
"""
