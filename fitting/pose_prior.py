"""The pose prior of SMPLify: a Gaussian mixture over the 23 body joints, as residuals for least squares."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from ..array_files import ArrayFile, ArrayFileError
from ..assets import ASSETS
from ..body.parameters import NUM_BODY_POSE
from ..body.unpickling import is_pickle, load_pickle_safely

DEFAULT_PATH = ASSETS / "priors" / "pose_gmm.npz"


class PriorResiduals(NamedTuple):
    """The prior's residuals at B poses.

    Attributes:
        residuals: (B, 70), the chosen component's [ sqrt(1/2) L_k^T (x - m_k) ; sqrt(-log w'_k) ]; the sum of
            squares is the energy. The Jacobian of the first 69 rows is sqrt(1/2) L_k^T, of the last 0.
        component: (B,) int64, the k of least energy.
    """

    residuals: Tensor
    component: Tensor


@dataclass(frozen=True, kw_only=True)
class GaussianMixture:
    """A mixture over body poses x = pose[3:72], as SMPLify takes it.

    Attributes:
        means: (K, 69) radians.
        precisions_cholesky: (K, 69, 69) lower L_k with C_k^-1 = L_k L_k^T.
        neg_log_weights: (K,) -log w'_k, w'_k = pi_k / ((2 pi)^(69/2) sqrt(det C_k) / min_j sqrt(det C_j)); positive.
        weights: (K,) pi_k, which sum to one.
    Source: Bogo et al. 2016, "Keep it SMPL", eq. 6 and its public code.
    """

    means: Tensor
    precisions_cholesky: Tensor
    neg_log_weights: Tensor
    weights: Tensor

    @classmethod
    def from_precisions_cholesky(cls, means: Tensor, precisions_cholesky: Tensor, weights: Tensor) -> GaussianMixture:
        """Build the mixture; -log w' follows from the determinants.

        Args:
            means: (K, D). precisions_cholesky: (K, D, D) lower. weights: (K,).
        Raises:
            ValueError: shapes that do not fit, D other than 69, values that are not finite, weights that are not
                positive or do not sum to one.
        """
        count = len(means)
        for name, value, shape in (
            ("means", means, (count, NUM_BODY_POSE)),
            ("precisions_cholesky", precisions_cholesky, (count, NUM_BODY_POSE, NUM_BODY_POSE)),
            ("weights", weights, (count,)),
        ):
            if tuple(value.shape) != shape:
                raise ValueError(f"{name}: expected {shape}, got {tuple(value.shape)}")
            if not torch.isfinite(value).all():
                raise ValueError(f"{name}: expected finite numbers")
        if not (weights > 0).all() or abs(float(weights.sum()) - 1) > 1e-3:
            raise ValueError(f"weights: expected positive numbers that sum to one, got {weights.tolist()}")
        log_determinants = -precisions_cholesky.diagonal(dim1=1, dim2=2).log().sum(dim=1)  # log sqrt(det C)
        scaled = log_determinants - log_determinants.min()
        return cls(
            means=means,
            precisions_cholesky=precisions_cholesky,
            neg_log_weights=0.5 * NUM_BODY_POSE * math.log(2 * math.pi) + scaled - weights.log(),
            weights=weights,
        )

    @property
    def num_components(self) -> int:
        return len(self.means)

    @cached_property
    def half_precisions(self) -> Tensor:
        """(K, 69, 69) C_k^-1 / 2, the curvature of each component's energy over two."""
        return 0.5 * self.precisions_cholesky @ self.precisions_cholesky.mT

    @property
    def mean_pose(self) -> Tensor:
        """(69,) the mean of the whole mixture."""
        return self.weights @ self.means

    def to(self, device: torch.device | str | None = None, dtype: torch.dtype | None = None) -> GaussianMixture:
        """The same on another device or in another floating-point type; itself where nothing changes."""
        like = self.means
        if torch.device(device or like.device) == like.device and (dtype or like.dtype) == like.dtype:
            return self
        return GaussianMixture(
            means=self.means.to(device=device, dtype=dtype),
            precisions_cholesky=self.precisions_cholesky.to(device=device, dtype=dtype),
            neg_log_weights=self.neg_log_weights.to(device=device, dtype=dtype),
            weights=self.weights.to(device=device, dtype=dtype),
        )

    def residuals(self, body_pose: Tensor) -> PriorResiduals:
        """Residuals of each row under its best component. Rows do not touch each other.

        Args:
            body_pose: (B, 69) axis-angle, radians; dtype and device of the mixture.
        Raises:
            ValueError: another shape.
        """
        if body_pose.ndim != 2 or body_pose.shape[1] != NUM_BODY_POSE:
            raise ValueError(f"body_pose: expected (B, {NUM_BODY_POSE}), got {tuple(body_pose.shape)}")
        offsets = body_pose - self.means[:, None]  # (K, B, 69)
        whitened = math.sqrt(0.5) * torch.bmm(offsets, self.precisions_cholesky)
        energies = whitened.square().sum(dim=2) + self.neg_log_weights[:, None]  # (K, B)
        component = energies.argmin(dim=0)
        chosen = whitened[component, torch.arange(len(body_pose), device=body_pose.device)]
        return PriorResiduals(torch.cat([chosen, self.neg_log_weights[component].sqrt()[:, None]], dim=1), component)

    def energy(self, body_pose: Tensor) -> Tensor:
        """(B,) sum of the squared residuals: -log of the best component's weighted density, up to a constant."""
        return self.residuals(body_pose).residuals.square().sum(dim=1)


def load_pose_prior(
    path: str | Path | None = None,
    *,
    dtype: torch.dtype = torch.float32,
    device: torch.device | str | None = None,
) -> GaussianMixture:
    """Load a pose prior.

    Args:
        path: None for the one in the package (8 components, fitted to CMU motion capture); an ``.npz`` that
            ``scripts/fit_pose_prior.py`` wrote; or SMPLify's own ``gmm_08.pkl``, of which nothing is executed.
        dtype, device: of the mixture.
    Raises:
        FileNotFoundError: no such file.
        ValueError: the file is not a pose prior.
    """
    path = Path(path) if path is not None else DEFAULT_PATH
    if not path.is_file():
        raise FileNotFoundError(
            f"{path}: no such pose prior; the package ships one (path=None), scripts/fit_pose_prior.py makes others"
        )
    means, precisions_cholesky, weights = _from_pickle(path) if is_pickle(path) else _from_npz(path)
    try:
        mixture = GaussianMixture.from_precisions_cholesky(
            *(torch.from_numpy(np.asarray(part, dtype=np.float64)) for part in (means, precisions_cholesky, weights))
        )
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error
    return mixture.to(device=device, dtype=dtype)


def _from_npz(path: Path) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    try:
        return _pick(ArrayFile(path), path, ("means", "precisions_cholesky", "weights"))
    except ArrayFileError as error:
        raise ValueError(f"{path}: expected a pose prior (.npz without pickles): {error}") from error


def _from_pickle(path: Path) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    means, covariances, weights = _pick(load_pickle_safely(path), path, ("means", "covars", "weights"))
    try:
        precisions_cholesky = np.linalg.cholesky(np.linalg.inv(np.asarray(covariances, dtype=np.float64)))
    except np.linalg.LinAlgError as error:
        raise ValueError(
            f"{path}: covars: expected (K, {NUM_BODY_POSE}, {NUM_BODY_POSE}) positive definite: {error}"
        ) from error
    return means, precisions_cholesky, weights


def _pick(data: Any, path: Path, keys: tuple[str, str, str]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    missing = [key for key in keys if not isinstance(data, Mapping) or key not in data]
    if missing:
        raise ValueError(f"{path}: expected a pose prior with {', '.join(keys)}; {', '.join(missing)} missing")
    return data[keys[0]], data[keys[1]], data[keys[2]]
