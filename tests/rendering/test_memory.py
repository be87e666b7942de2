"""What the renderer holds at its peak, beside its inputs, in a process of its own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

PEAK = """
import torch
from pathlib import Path
from anchorfit.body import load_body
from anchorfit.rendering import rasterize, silhouette

torch.set_num_threads(1)
body = load_body()

def bodies(count):
    pose = torch.zeros(count, 69)
    upright = torch.tensor([[torch.pi, 0.0, 0.0]]).expand(count, 3)
    vertices = body(body_pose=pose, global_orient=upright, betas=torch.zeros(count, 10), transl=torch.zeros(count, 3))
    return (vertices.vertices + torch.tensor([0.0, 0.0, 3.0])).detach()

def camera(height, width):
    return torch.tensor([[0.9 * height, 0, width / 2], [0, 0.9 * height, height / 2], [0, 0, 1.0]])

def megabytes(field):
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(float(line.split()[1]) for line in lines if line.startswith(field)) / 1024

def soft(vertices, size):
    points = vertices.requires_grad_()
    silhouette(points, body.faces, camera(*size), size).mask.square().sum().backward()

def hard(vertices, size):
    rasterize(vertices, body.faces, camera(*size), size)

for draw in (hard, soft):
    draw(bodies(1), (64, 64))
    for count, size in ((1, (3000, 4000)), (256, (64, 64))):
        vertices = bodies(count)
        Path("/proc/self/clear_refs").write_text("5")
        before = megabytes("VmRSS")
        draw(vertices, size)
        print(megabytes("VmHWM") - before)
"""


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="needs Linux to start the peak anew")
def test_a_body_in_12_megapixels_and_256_small_ones_take_less_than_a_gigabyte():
    run = subprocess.run([sys.executable, "-c", PEAK], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    peaks = [float(line) for line in run.stdout.split()]
    assert len(peaks) == 4
    assert max(peaks) < 1000
