"""Surfaces through signal points: one module per interpolation, and ``interpolate`` that chooses among them."""
