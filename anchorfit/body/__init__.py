"""The SMPL-format body model."""
