"""How much is done: `make vm-test N=50 SEED=7`."""

import os

CUTS = int(os.environ.get("VM_CUTS") or 3)
SEED = int(os.environ.get("VM_SEED") or 1)
