"""Objects that other programs store (pickles, joblib's and torch's files, npz), read without running anything."""

from .reading import StoredObjectError, read_objects

__all__ = ["StoredObjectError", "read_objects"]
