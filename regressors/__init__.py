"""Learned predictors of body pose and shape."""
