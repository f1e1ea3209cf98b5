"""Expected yields of samples before and after fits, with uncertainties, and the tables of them."""

from hfscale.predictions.compute import prediction
from hfscale.predictions.prediction import Prediction

__all__ = ["Prediction", "prediction"]
