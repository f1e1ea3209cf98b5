"""The made-up search behind the embedded example: spectra, systematic uncertainties, backgrounds and signal."""
