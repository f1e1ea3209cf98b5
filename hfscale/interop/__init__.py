"""Models of other programs: pyhf's model objects, and XML+ROOT files of HistFactory."""
