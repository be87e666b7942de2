"""Rendering bodies in plain PyTorch: rasteriser, silhouettes with gradients, part maps, overlays."""

from typing import TYPE_CHECKING

from ..deprecation import renamed_names
from ..options import OPACITY
from .crops import paste_crop
from .fragments import Fragments, SoftSilhouette
from .legend import label_picture
from .overlays import overlay, side_view, top_view
from .parts import PartMap, part_map
from .rasterizer import rasterize
from .renderers import Renderer, TorchRenderer, load_renderer
from .shading import DOUBTFUL, PALETTE, error_colors
from .silhouettes import silhouette

__all__ = [
    "DOUBTFUL",
    "OPACITY",
    "PALETTE",
    "Fragments",
    "PartMap",
    "Renderer",
    "SoftSilhouette",
    "TorchRenderer",
    "error_colors",
    "label_picture",
    "load_renderer",
    "overlay",
    "part_map",
    "paste_crop",
    "rasterize",
    "side_view",
    "silhouette",
    "top_view",
]

if not TYPE_CHECKING:
    __getattr__ = renamed_names(__name__, Silhouette="SoftSilhouette")
