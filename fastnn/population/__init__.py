"""Many networks of one architecture that are trained side by side."""

from fastnn.population.fit import fit_many
from fastnn.population.join import joined
from fastnn.population.population import Population

__all__ = ["Population", "fit_many", "joined"]
