"""Training: Lightning modules and scikit-learn estimators behind the same two calls, `fit` and `predict`."""
