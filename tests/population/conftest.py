"""Both ways in which members are trained, for tests that do not say which."""

import pytest


@pytest.fixture(params=["lanes", "sessions"])
def way(request, monkeypatch):
    """The small networks of the tests, which would all be in lanes, are trained in either way."""
    monkeypatch.setattr("fastnn.population.choice.in_lanes", lambda spec: request.param == "lanes")
    return request.param
