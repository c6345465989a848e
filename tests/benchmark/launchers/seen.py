"""A watcher of a cluster's trials that keeps what it is told."""


class Seen:
    """What a launcher has told: texts, keys of trials, records."""

    def __init__(self):
        self.texts, self.started_keys, self.begun_keys, self.records = [], [], [], []

    def started(self, trial):
        self.started_keys.append(trial.key)

    def begun(self, trial):
        self.begun_keys.append(trial.key)

    def progressed(self, trial, step, loss):
        raise AssertionError("a trial on another machine reports no progress")

    def finished(self, record):
        self.records.append(record)

    def said(self, text):
        self.texts.append(text)
