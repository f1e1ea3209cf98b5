"""The result store: its zarr layout, whole-chunk writes, the ledger of finished tasks, and reading. Knows no engine."""
