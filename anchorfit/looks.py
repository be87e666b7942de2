"""How bodies are drawn on photographs and films."""

from __future__ import annotations

from dataclasses import dataclass

from .options import OPACITY, OptionError, given, option, refuse


@dataclass(frozen=True, kw_only=True)
class OverlayLook:
    """How bodies are drawn on photographs and films.

    Attributes:
        opacity: of the bodies, 0 to 1.
        keypoints: whether the observed keypoints are drawn on top.
        floor_grid: whether a grid of half metres is drawn on the floor, where there is one.
        renderer: "torch", or "pytorch3d" where that package is installed.
    """

    renderer: str = option("torch", help="What draws overlays: torch, or pytorch3d where it is installed.")
    opacity: float = option(OPACITY, help="Opacity of the bodies on overlays, 0 to 1.", least=0.0, most=1.0)
    keypoints: bool = option(False, name="draw_keypoints", help="Draw the observed keypoints on overlays, too.")
    floor_grid: bool = option(
        False, name="draw_floor", help="Draw the --floor on overlays, too, as a grid of half metres."
    )

    def check(self, *, drawn: bool = True) -> None:
        """Look whether overlays can look so.

        Args:
            drawn: whether there are any.
        Raises:
            OptionError: there is no such renderer, its package is not installed, the opacity is none, or nothing reads
                what is given.
        """
        if not drawn:
            refuse(given(self), "only with overlay in --save")
        if not 0 <= self.opacity <= 1:
            raise OptionError("opacity", f"expected 0 to 1, got {self.opacity}")
        from .rendering import load_renderer

        try:
            load_renderer(self.renderer)
        except (ImportError, ValueError) as error:
            raise OptionError("renderer", str(error)) from error
