"""What a machine offers to computations, whether they work on it and how fast; each part is looked at by itself."""
