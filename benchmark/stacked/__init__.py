"""Many trials of one problem, trained as one batched network.

A trial in a pack gets the record that it would get alone in one, whatever its company; only its
seconds differ, because they are the pack's over the number of its trials.
"""
