"""Copies of a study elsewhere, such as Weights & Biases, made from its files while trials run.

The launching process reads the files of running trials and sends what is new; workers know nothing
of it. `live` does so while a study runs, `push` afterwards.
"""
