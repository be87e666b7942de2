"""RICH (Huang et al. 2022), one camera, judged by the joints of the limbs."""

from __future__ import annotations

from ..datasets.rich import open_rich
from ..datasets.roots import DatasetError
from ..summary import POSE
from .benchmark import BenchmarkSet, OpenedSet, SetOptions, data_keys

LINE = (
    "RICH's bodies are SMPL-X's, judged by the 12 joints of the limbs; published numbers turn them into SMPL's surface "
    "first and are over other joints"
)


def _open(wanted: SetOptions) -> OpenedSet:
    if wanted.smplx_model is None:
        raise DatasetError("RICH's bodies are SMPL-X's: give its .npz (SMPLX_MALE.npz ...) by --smplx-model")
    dataset = open_rich(
        wanted.root, wanted.smplx_model, camera=wanted.camera, split=wanted.split or "test", every=wanted.every
    )
    return OpenedSet(dataset=dataset, columns=POSE, keys=data_keys(dataset), problems=(LINE,))


BENCHMARK = BenchmarkSet(
    name="rich",
    about="Joint errors on RICH's people as one --camera sees them; bodies need SMPL-X's file, by --smplx-model.",
    open=_open,
    options=("smplx_model", "split", "camera", "every"),
    required=("smplx_model",),
    smpl=False,
    bodies=False,
)
