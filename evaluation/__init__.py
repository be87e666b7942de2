"""Measuring fits: metrics, data sets, methods, and the loop that scores them."""
