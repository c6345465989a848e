"""The module that the fork server loads once, before it forks workers; nothing else imports it.

It imports torch and Lightning. It also makes the server adopt processes that ended workers leave
behind, so that the launching process can find and end them.
"""

import warnings

from benchmark.launchers import worker  # noqa: F401  # loaded once for all workers
from benchmark.launchers.family import adopt_orphans

adopt_orphans()
warnings.filterwarnings(
    "ignore", "forkserver: waitpid returned unexpected pid"
)  # that of an adopted process
