"""The statistical combination: independent workspaces, and the patches of their signal points, joined into one."""
