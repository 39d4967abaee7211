"""What holds for all tests."""

import os

from hypothesis import HealthCheck, settings

# Time says nothing here: the first text that Hypothesis makes on a machine takes seconds, and others use it too.
# What decides landing asks the same questions each time; on a developer's machine they are new ones.
settings.register_profile(
    "house", deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize="CI" in os.environ
)
settings.load_profile("house")
