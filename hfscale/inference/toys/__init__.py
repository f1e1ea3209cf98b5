"""CLs from toys: which random numbers, what is thrown, how toys are fitted, and what p-values they give."""
