"""Taking results out of a store: plain JSON objects of signal points, p-values from their toys, all toys."""
