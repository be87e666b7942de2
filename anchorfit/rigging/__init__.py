"""Bodies with a skeleton inside, for animation programs: GLB with skin and animation, BVH."""

from .bvh import bvh_text, export_bvh
from .gaps import without_gaps
from .glb import export_rigged
from .rig import Rig, rig

__all__ = ["Rig", "bvh_text", "export_bvh", "export_rigged", "rig", "without_gaps"]
