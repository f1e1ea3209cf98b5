"""Reports: one page that tells what a store holds, where it came from, what it cost, and how to make it again."""
