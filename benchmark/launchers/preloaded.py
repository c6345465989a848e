"""What the fork server does once, before it forks workers: it loads this module.

With it come torch and Lightning. The server adopts what ended workers leave behind, so that the
launching process finds and ends it; nothing else imports this module.
"""

import warnings

from benchmark.launchers import worker  # noqa: F401  # loaded for all workers at once
from benchmark.launchers.family import adopt_orphans

adopt_orphans()
warnings.filterwarnings("ignore", "forkserver: waitpid returned unexpected pid")  # an adopted one
