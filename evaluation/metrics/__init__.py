"""Metrics: pure functions, batch first."""
