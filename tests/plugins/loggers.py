"""Lightning loggers that keep what they get, or fail where they are told to."""

import threading

from lightning.pytorch.loggers import Logger

ERRORS = {
    "value": ValueError("broken\nby all means"),
    "exit": SystemExit(1),
    "interrupt": KeyboardInterrupt(),
    "disk": OSError(28, "No space left on device"),
}
made = []
released = threading.Event()


class Recorder(Logger):
    """Keeps what it gets, in `made`."""

    def __init__(self, save_dir, name="mine", version=None, tags=None):
        super().__init__()
        self._save_dir, self._name, self._version, self.tags = save_dir, name, version, tags
        self.hyperparameters, self.rows, self.saves, self.statuses = [], [], 0, []
        made.append(self)

    @property
    def save_dir(self):
        return self._save_dir

    @property
    def name(self):
        return self._name

    @property
    def version(self):
        return self._version

    def log_hyperparams(self, params):
        self.hyperparameters.append(params)

    def log_metrics(self, metrics, step=None):
        self.rows.append({"step": step, **metrics})

    def save(self):
        self.saves += 1

    def finalize(self, status):
        self.statuses.append(status)


class Faulty(Recorder):
    """Fails in a method, so often; an error called ``hang`` waits until `released`."""

    def __init__(self, save_dir, version=None, at="", error="value", times=1_000_000):
        self.at, self.error, self.times = at, error, times
        self._fail("init")
        super().__init__(save_dir, version=version)

    def _fail(self, method):
        if method == self.at and self.times > 0:
            self.times -= 1
            if self.error == "hang":
                released.wait(60)
            else:
                raise ERRORS[self.error]

    def log_hyperparams(self, params):
        self._fail("log_hyperparams")
        super().log_hyperparams(params)

    def log_metrics(self, metrics, step=None):
        self._fail("log_metrics")
        super().log_metrics(metrics, step)

    def save(self):
        self._fail("save")
        super().save()

    def finalize(self, status):
        self._fail("finalize")
        super().finalize(status)


class OnlyOne(Recorder):
    """Cannot be built a second time."""

    def __init__(self, save_dir, version=None):
        if made:
            raise RuntimeError("only one")
        super().__init__(save_dir, version=version)


class Bare(Recorder):
    """Takes nothing."""

    def __init__(self):
        super().__init__(None)


class TensorBoardLogger(Recorder):
    """As Lightning's, where tensorboard is not installed."""

    def __init__(self, save_dir, name="lightning_logs", version=None):
        raise ModuleNotFoundError("Neither `tensorboard` nor `tensorboardX` is available.")


class MLFlowLogger(Recorder):
    """Takes what Lightning's takes."""

    def __init__(
        self,
        experiment_name="lightning_logs",
        run_name=None,
        tracking_uri=None,
        save_dir="./mlruns",
        artifact_location=None,
        run_id=None,
    ):
        super().__init__(None, name=experiment_name, version=run_name)
        self.tracking_uri = tracking_uri


class CometLogger(Recorder):
    """Takes what Lightning's takes."""

    def __init__(self, *, project=None, experiment_key=None, mode=None, **kwargs):
        super().__init__(None, name=project, version=kwargs["name"])
        self.mode = mode
        self.experiment = self
        self.has_ended = False

    def end(self):
        self.has_ended = True
