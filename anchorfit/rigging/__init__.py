"""Bodies with a skeleton inside, for animation programs: GLB with skin and animation, BVH."""

from .bvh import bvh_text, export_bvh
from .gaps import Motion, motion_of, without_gaps
from .glb import export_rigged
from .rig import Rig, rig

__all__ = ["Motion", "Rig", "bvh_text", "export_bvh", "export_rigged", "motion_of", "rig", "without_gaps"]
