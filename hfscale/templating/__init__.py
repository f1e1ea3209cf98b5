"""Templates from ntuples and histograms, as cabinetry's configuration declares them, and the workspace made of them.

Every template is a task of its own: the engines of campaigns make them in parallel, and a ledger in the folder tells
which are finished. What is read, filled and written is cabinetry's own code; needs the extra `cabinetry`.
"""
