"""Results as files for other programs: CSV, Parquet, JSON, NumPy, HistFitter's harvest lists, HEPData submissions.

`hfscale.exporting.formats` knows all of them; every other module makes one.
"""
