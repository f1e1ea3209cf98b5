"""Best fits of measurements: uncertainties, MINOS errors, and the impacts of nuisance parameters on the POI."""
