"""What holds for all tests."""

from hypothesis import HealthCheck, settings

# Time says nothing here: the first text that Hypothesis makes on a machine takes seconds, and others use it too.
settings.register_profile("house", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("house")
