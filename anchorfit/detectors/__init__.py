"""People in pictures: the networks that ship with the package."""
