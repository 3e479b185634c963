"""Settings that hold for every test."""

import os

from hypothesis import HealthCheck, settings

# processes that tests start get the fastnn under test, not the uncompiled source tree around the working directory
os.environ["PYTHONSAFEPATH"] = "1"

settings.register_profile("dev", deadline=None, max_examples=25, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("ci", settings.get_profile("dev"), derandomize=True)
settings.register_profile("deep", settings.get_profile("dev"), max_examples=500)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE") or ("ci" if os.environ.get("CI") else "dev"))
