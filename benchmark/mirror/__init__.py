"""Copies of a study elsewhere, such as on Weights & Biases, made from its files.

The launching process reads the files of running trials and sends new rows; workers take no part.
`live` does this while a study runs, `push` afterwards.
"""
