"""Bounded minimisation of batches of likelihoods, with status codes; iminuit as second opinion."""
