"""
A table with categories and gaps
================================

Rents of flats by size, place and year, made up here, with some cells empty. The data frame goes in as it is.
"""

import numpy as np
import pandas as pd

from fastnn import plots
from fastnn.tabular import TableRegressor

rng = np.random.default_rng(0)
n = 1500
metres = rng.uniform(20, 140, n)
place = rng.choice(["centre", "suburb", "village"], n)
year = rng.integers(1900, 2024, n).astype(float)
factor = pd.Series(place).map({"centre": 18, "suburb": 12, "village": 8}).to_numpy()
rent = metres * factor * (1 + 0.003 * (year - 1960)) + rng.normal(0, 60, n)
table = pd.DataFrame({"metres": metres, "place": place, "year": np.where(rng.random(n) < 0.2, np.nan, year)})
print(table.head())

# %%

net = TableRegressor(random_state=0).fit(table[:1000], rent[:1000])
print(f"R² on 500 other flats: {net.score(table[1000:], rent[1000:]):.3f}")
plots.residuals(rent[1000:], net.predict(table[1000:]), name="rent")
