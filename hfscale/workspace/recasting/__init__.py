"""Signals of one's own for a published search: from a table of yields to a patchset."""
