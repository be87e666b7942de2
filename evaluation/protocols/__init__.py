"""Benchmarks: what is compared with what, and how it is counted."""
