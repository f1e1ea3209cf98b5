"""Test statistics and CLs from minima: what the numbers mean, not where they are computed."""
