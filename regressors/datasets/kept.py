"""Pictures that were made once and are kept: in memory, and in a file."""

from __future__ import annotations

from collections.abc import Iterable
from io import BytesIO
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ...array_files import ArrayFile
from ...atomic import write_atomically
from ...body.joint_sets import mirror_permutation
from ..batches import draw_rows
from ..heatmaps import draw_heatmaps
from ..human2d import HUMAN2D_JOINTS, STRIDE
from ..image_crops import Framing
from .crops import Augmentation, PersonCrops


class KeptPictures:
    """Crops to draw batches from; the same seed and step give the same batch.

    Args:
        parts: crops, in any number of batches. Pictures are kept as bytes, heatmaps drawn anew when they are asked for.
        augmentation: None for none.
        joints: those of the crops.
        seed: with the step, everything random comes from it.
    Raises:
        ValueError: there are none.
    """

    def __init__(
        self,
        parts: Iterable[PersonCrops],
        *,
        augmentation: Augmentation | None = Augmentation(),
        joints: tuple[str, ...] = HUMAN2D_JOINTS,
        seed: int = 0,
    ) -> None:
        packed = [_packed(part) for part in parts if len(part.picture)]
        if not packed:
            raise ValueError("parts: expected at least one picture, got none")
        self._crops = PersonCrops.joined(packed)
        self.augmentation, self.joints, self.seed = augmentation, joints, seed

    def __len__(self) -> int:
        return len(self._crops.picture)

    def batch(self, step: int, count: int, rows: slice = slice(None)) -> PersonCrops:
        """The rows of batch number ``step`` of ``count`` people."""
        drawn = draw_rows(self.seed, step, count, len(self), rows)
        if self.augmentation is None:
            return self.chosen(torch.tensor([row.place for row in drawn], dtype=torch.long))
        size = self._crops.picture.shape[-1]
        plain = Framing((size / 2, size / 2), size, size=size)
        vary = self.augmentation.vary
        crops = PersonCrops.stacked(self._framed(row.place, vary(plain, row.generator())) for row in drawn)
        return crops._replace(heatmaps=_heatmaps(crops))

    def chosen(self, index: Tensor | slice) -> PersonCrops:
        """Some of the pictures, as they are."""
        crops = self._crops.rows(index)
        return crops._replace(picture=crops.picture.float() / 255, heatmaps=_heatmaps(crops))

    def save(self, path: Path, **beside: Tensor) -> None:
        """Write the pictures with what was marked in them, and tensors of the caller's, as an .npz."""
        values = {**self._crops._asdict(), **beside}
        del values["heatmaps"]
        buffer = BytesIO()
        np.savez_compressed(buffer, **{name: value.cpu().numpy() for name, value in values.items()})
        write_atomically(path, buffer.getvalue())

    def _framed(self, index: int, framing: Framing) -> PersonCrops:
        """One picture turned, scaled and mirrored within its own borders; black comes in from outside."""
        crops = self._crops.rows(index)
        picture = framing.cut(np.ascontiguousarray(crops.picture.permute(1, 2, 0).numpy()))
        side = len(crops.body)
        small = framing._replace(centre=(side / 2, side / 2), side=framing.side / STRIDE, size=side)
        positions, known = framing.points(crops.positions.double().numpy()), crops.known
        if framing.mirrored:
            order = list(mirror_permutation(self.joints))
            positions, known = positions[order], known[order]
        return crops._replace(
            picture=torch.from_numpy(picture).permute(2, 0, 1).float() / 255,
            positions=torch.from_numpy(positions).float(),
            known=known,
            body=torch.from_numpy(small.cut(crops.body.numpy())),
            intrinsics=framing.camera(crops.intrinsics),
        )


def _packed(crops: PersonCrops) -> PersonCrops:
    """With pictures as bytes and without heatmaps."""
    picture = crops.picture
    if picture.dtype != torch.uint8:
        picture = (picture * 255).round().to(torch.uint8)
    return crops._replace(picture=picture, heatmaps=torch.zeros(len(picture), 0))


def _heatmaps(crops: PersonCrops) -> Tensor:
    return draw_heatmaps(crops.positions, crops.body.shape[-1], STRIDE) * crops.known[..., None, None]


def load_kept(path: Path, *, beside: tuple[str, ...] = ()) -> tuple[PersonCrops, dict[str, Tensor]]:
    """What `KeptPictures.save` wrote: crops for another `KeptPictures`, and the tensors of the given names beside them.

    Raises:
        FileNotFoundError: no such file.
        ValueError: not such a file.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such pictures")
    names = [name for name in PersonCrops._fields if name != "heatmaps"]
    try:
        archive = ArrayFile(path)
        values = {name: torch.from_numpy(archive[name]) for name in (*names, *beside)}
    except (ValueError, OSError, KeyError) as error:
        raise ValueError(f"{path}: expected pictures as KeptPictures.save writes them: {error}") from error
    crops = PersonCrops(**{name: values[name] for name in names}, heatmaps=torch.zeros(len(values["picture"]), 0))
    return crops, {name: values[name] for name in beside}
