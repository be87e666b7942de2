"""Measuring fits: metrics, and later data sets and protocols."""
