"""What a task computes: from the inputs kept in a store to the block of results that the task writes."""
