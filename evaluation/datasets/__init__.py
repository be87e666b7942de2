"""Readers of published data sets, each in the layout that its authors give out; none is part of this package."""
