"""Anchored SMPLify: energy terms, batched least squares, schedules."""
