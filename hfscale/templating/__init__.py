"""Templates from ntuples and histograms, as cabinetry's configuration declares them, and the workspace made of them.

The engines of campaigns make some templates of a sample per task, in parallel, and a ledger in the folder tells which
are finished. What is read, filled and written is cabinetry's own code; needs the extra `cabinetry`.
"""
