"""Driving tasks through an engine: the one loop, its progress, and the executors. Knows nothing of what a task does."""
