"""Finding out whether a store is what was written: missing, torn, altered and foreign pieces, and what to do."""
