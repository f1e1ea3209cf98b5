"""Figures that cabinetry draws, in our styles and without changing anybody's settings; needs the extra `cabinetry`."""
