"""Sparse bases of poses, learned from the pose library: what poses are sums of.

Shapes are the P points of `orthography.SKELETON` of a mean-shaped body, metres, centred and turned onto their mean.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from anchorfit.body import BodyModel
from anchorfit.evaluation.metrics.pose import procrustes_aligned
from anchorfit.regressors.synthesis import shipped_poses

from .orthography import skeleton_points

ALIGNING_ROUNDS = 3
CLUSTERING_ROUNDS = 20


@dataclass(frozen=True, kw_only=True)
class PoseBasis:
    """mean: (P, 3) metres; atoms: (K, P, 3). A pose is the mean and a sum of few atoms."""

    mean: Tensor
    atoms: Tensor


def training_shapes(body: BodyModel, count: int, *, seed: int) -> Tensor:
    """(N, P, 3) float64 metres: poses of training subjects, drawn so that no subject dominates, of the mean body with
    its pelvis unturned and at the origin."""
    source = shipped_poses("train")
    pose = source.draw(count, torch.Generator().manual_seed(seed))
    params = body.layout.zeros(count, torch.empty(0, dtype=torch.float64))
    params[:, body.layout.body_pose] = pose[:, body.layout.body_pose]
    points = skeleton_points(body).to(dtype=torch.float64).points(params)
    return points - points[:, :1]


def aligned(shapes: Tensor) -> tuple[Tensor, Tensor]:
    """Shapes (N, P, 3) centred and turned onto their mean, sizes kept; and the mean (P, 3)."""
    shapes = shapes - shapes.mean(1, keepdim=True)
    size = shapes.square().sum((1, 2), keepdim=True).sqrt()
    mean = shapes.mean(0)
    for _ in range(ALIGNING_ROUNDS):
        turned = procrustes_aligned(shapes, mean.expand_as(shapes))
        shapes = turned * (size / turned.square().sum((1, 2), keepdim=True).sqrt().clamp_min(1e-12))
        mean = shapes.mean(0)
    return shapes, mean


def clustered_basis(shapes: Tensor, *, clusters: int, components: int, seed: int) -> PoseBasis:
    """An overcomplete basis: the principal components of each of some clusters of aligned shapes, side by side.

    Args:
        shapes: (N, P, 3).
        clusters: groups that k-means finds; they stand for the kinds of motion of Ramakrishna et al.
        components: of each group, and of all shapes together.
        seed: of the first centres.
    Raises:
        ValueError: fewer shapes than clusters.
    """
    if len(shapes) < clusters:
        raise ValueError(f"shapes: expected at least {clusters}, one a cluster; got {len(shapes)}")
    turned, mean = aligned(shapes)
    flat = (turned - mean).flatten(1)
    label = _k_means(flat, clusters, seed)
    # One cluster is all shapes again, and atoms taken twice would make the sums of a pursuit ambiguous.
    groups = [flat, *(flat[label == cluster] for cluster in range(clusters) if clusters > 1)]
    atoms = [_components(group, components) for group in groups if len(group) > components]
    return PoseBasis(mean=mean, atoms=torch.cat(atoms).unflatten(1, mean.shape))


def _components(flat: Tensor, count: int) -> Tensor:
    """Principal directions (count, D) of (N, D), of unit length; the mean's own direction from 0 comes first."""
    centre = flat.mean(0)
    _, vectors = torch.linalg.eigh((flat - centre).mT @ (flat - centre))
    directions = vectors.mT.flip(0)[: count - 1]
    if centre.norm() < 1e-6:
        return vectors.mT.flip(0)[:count]
    return torch.cat((centre[None] / centre.norm(), directions))


def _k_means(flat: Tensor, clusters: int, seed: int) -> Tensor:
    """(N,) cluster of each row; centres start at rows drawn far apart (k-means++)."""
    rng = np.random.default_rng(seed)
    centres = flat[rng.integers(len(flat))][None]
    for _ in range(clusters - 1):
        distance = torch.cdist(flat, centres).amin(1).square().numpy()
        centres = torch.cat((centres, flat[rng.choice(len(flat), p=distance / distance.sum())][None]))
    for _ in range(CLUSTERING_ROUNDS):
        nearest = torch.cdist(flat, centres).argmin(1)
        sums = torch.zeros_like(centres).index_add_(0, nearest, flat)
        counts = torch.bincount(nearest, minlength=clusters)[:, None]
        centres = torch.where(counts > 0, sums / counts.clamp_min(1), centres)
    return torch.cdist(flat, centres).argmin(1)


def non_negative_dictionary(shapes: Tensor, *, atoms: int, sparsity: float, rounds: int, seed: int) -> Tensor:
    """(K, P, 3) atoms of unit norm whose sums with few weights, none negative, are the aligned shapes.

    min sum_n |s_n - sum_k c_nk B_k|^2 / 2 + sparsity sum c_nk,  c >= 0, |B_k| <= 1; codes and atoms take turns, one
    projected gradient step each a round (Zhou et al. 2015, section 5.1).

    Args:
        shapes: (N, P, 3).
        atoms: K.
        sparsity: metres.
        rounds: turns.
        seed: of the shapes that the atoms start as.
    Raises:
        ValueError: fewer shapes than atoms.
    """
    if len(shapes) < atoms:
        raise ValueError(f"shapes: expected at least {atoms}, one an atom; got {len(shapes)}")
    turned, mean = aligned(shapes)
    flat = turned.flatten(1)
    start = torch.from_numpy(np.random.default_rng(seed).choice(len(flat), atoms, replace=False))
    basis = flat[start] / flat[start].norm(dim=1, keepdim=True)
    codes = torch.zeros(len(flat), atoms, dtype=flat.dtype)
    for _ in range(rounds):
        gram = basis @ basis.mT
        step = 1.0 / torch.linalg.matrix_norm(gram, 2)
        codes = (codes - step * (codes @ gram - flat @ basis.mT + sparsity)).clamp_min(0)
        moments = codes.mT @ codes
        gradient = moments @ basis - codes.mT @ flat
        basis = basis - gradient / torch.linalg.matrix_norm(moments, 2).clamp_min(1e-9)
        basis = basis / basis.norm(dim=1, keepdim=True).clamp_min(1.0)
    basis = basis / basis.norm(dim=1, keepdim=True).clamp_min(1e-9)
    return basis.unflatten(1, mean.shape)
