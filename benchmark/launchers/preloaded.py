"""The module that the fork server loads once, before it forks workers; nothing else imports it.

It imports torch and Lightning; without collections of garbage this takes a tenth less time. It also
makes the server adopt processes that ended workers leave behind, so that the launching process can
find and end them.
"""

import warnings

from benchmark.garbage import no_garbage_collection
from benchmark.launchers.family import adopt_orphans

with no_garbage_collection():
    from benchmark.launchers import worker  # noqa: F401  # loaded once for all workers

adopt_orphans()
warnings.filterwarnings(
    "ignore", "forkserver: waitpid returned unexpected pid"
)  # that of an adopted process
