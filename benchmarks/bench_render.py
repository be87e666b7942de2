"""Times the renderer, and measures its memory.

    python benchmarks/bench_render.py --json render.json                  # CPU, one thread
    python benchmarks/bench_render.py --threads 2
    python benchmarks/bench_render.py --device cuda                       # silhouettes a second, large batches too

`wall` is what a user waits for; `cpu` is processor time, which a busy machine inflates less. PyTorch3D stands beside
ours where it is installed. The bodies are held-out poses of the pose library; all seeds are fixed.
How right the silhouette's gradient is: benchmarks/check_silhouette_gradient.py.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from anchorfit.body import BodyModel, load_body
from anchorfit.body.pose_library import load_pose_library
from anchorfit.camera import STANDING_HEIGHT
from anchorfit.rendering import Renderer, load_renderer, overlay, side_view

SEED = 7
HEIGHT_SHARE = 0.8  # of the image that a standing body takes


def posed_bodies(body: BodyModel, count: int, device: str) -> Tensor:
    """(count, V, 3) vertices of held-out poses, upright in front of the camera, 5 m away."""
    library = load_pose_library(split="heldout")
    chosen = np.random.default_rng(SEED).choice(len(library), count, p=library.subject_balanced_weights(300).numpy())
    generator = torch.Generator().manual_seed(SEED)
    output = body(
        body_pose=library.poses[chosen][:, body.layout.body_pose],
        global_orient=torch.tensor([[torch.pi, 0.0, 0.0]]).expand(count, 3),
        betas=torch.randn(count, body.num_betas, generator=generator),
        transl=torch.zeros(count, 3),
    )
    vertices = output.vertices
    middle = (vertices.amin(1, keepdim=True) + vertices.amax(1, keepdim=True)) / 2
    return (vertices - middle + torch.tensor([0.0, 0.0, 5.0])).to(device)


def camera(height: int, width: int, device: str) -> Tensor:
    focal = HEIGHT_SHARE * min(height, width) * 5 / STANDING_HEIGHT
    return torch.tensor([[focal, 0, width / 2], [0, focal, height / 2], [0, 0, 1]], device=device)


def time_it(work: Callable[[], object], device: str, repeats: int, bodies: int) -> dict[str, float]:
    """Median and spread, milliseconds a body."""
    wall, cpu = [], []
    for repeat in range(repeats + 2):
        if device != "cpu":
            torch.cuda.synchronize()
        start, start_cpu = time.perf_counter(), time.process_time()
        work()
        if device != "cpu":
            torch.cuda.synchronize()
        if repeat >= 2:
            wall.append((time.perf_counter() - start) * 1e3 / bodies)
            cpu.append((time.process_time() - start_cpu) * 1e3 / bodies)
    return {
        "wall_ms": statistics.median(wall),
        "wall_ms_best": min(wall),
        "cpu_ms": statistics.median(cpu),
        "cpu_ms_best": min(cpu),
    }


def silhouette_step(renderer: Renderer, vertices: Tensor, faces: Tensor, matrix: Tensor, size: tuple[int, int]) -> None:
    points = vertices.detach().requires_grad_()
    renderer.silhouette(points, faces, matrix, size).mask.square().sum().backward()


def bench(renderer: Renderer, body: BodyModel, arguments: argparse.Namespace) -> dict[str, dict[str, float]]:
    device, repeats = arguments.device, arguments.repeats
    faces, labels = body.faces.to(device), body.face_parts.to(device)
    results = {}
    for count in arguments.batches:
        vertices, matrix = posed_bodies(body, count, device), camera(64, 64, device)
        few = max(3, repeats // max(1, count // 8))
        results[f"silhouette forward and backward, 64 x 64, batch {count}"] = time_it(
            lambda v=vertices, m=matrix: silhouette_step(renderer, v, faces, m, (64, 64)), device, few, count
        )
        results[f"part map, 64 x 64, batch {count}"] = time_it(
            lambda v=vertices, m=matrix: renderer.part_map(v, faces, m, (64, 64), labels), device, few, count
        )
    one = posed_bodies(body, 1, device)
    for height, width in ((256, 256), (512, 512)):
        matrix = camera(height, width, device)
        results[f"silhouette forward and backward, {width} x {height}, batch 1"] = time_it(
            lambda m=matrix, s=(height, width): silhouette_step(renderer, one, faces, m, s), device, repeats, 1
        )
    matrix = camera(480, 640, device)
    results["part map, 640 x 480, batch 1"] = time_it(
        lambda: renderer.part_map(one, faces, matrix, (480, 640), labels), device, repeats, 1
    )
    results["rasterise, 640 x 480, batch 1"] = time_it(
        lambda: renderer.rasterize(one, faces, matrix, (480, 640)), device, repeats, 1
    )
    large = camera(3000, 4000, device)
    results["rasterise, 4000 x 3000, batch 1"] = time_it(
        lambda: renderer.rasterize(one, faces, large, (3000, 4000)), device, 1, 1
    )
    photograph = np.full((480, 640, 3), 128, np.uint8)
    results["overlay, 640 x 480, batch 1"] = time_it(
        lambda: overlay(photograph, one, faces, matrix, rasterizer=renderer.rasterize), device, 5, 1
    )
    results["side view, 480 x 480, batch 1"] = time_it(
        lambda: side_view(one, faces, (480, 480), rasterizer=renderer.rasterize), device, 5, 1
    )
    return results


MEMORY_JOBS = {
    "rasterise, 4000 x 3000, batch 1": (1, (3000, 4000), "rasterize"),
    "silhouette forward and backward, 4000 x 3000, batch 1": (1, (3000, 4000), "silhouette"),
    "rasterise, 64 x 64, batch 256": (256, (64, 64), "rasterize"),
    "silhouette forward and backward, 64 x 64, batch 256": (256, (64, 64), "silhouette"),
}


def memory_of(name: str, body_name: str) -> float:
    """MB that a job adds to a fresh process's peak, beside its inputs."""
    command = [sys.executable, __file__, "--body", body_name, "--memory-job", name]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def run_memory_job(name: str, body: BodyModel) -> None:
    count, size, kind = MEMORY_JOBS[name]
    torch.set_num_threads(1)
    vertices, matrix = posed_bodies(body, count, "cpu"), camera(*size, "cpu")
    renderer = load_renderer()
    silhouette_step(renderer, vertices[:1], body.faces, camera(64, 64, "cpu"), (64, 64))  # loads what is loaded late
    Path("/proc/self/clear_refs").write_text("5")  # Linux: the peak starts anew
    before = memory_mb("VmRSS")
    if kind == "rasterize":
        renderer.rasterize(vertices, body.faces, matrix, size)
    else:
        silhouette_step(renderer, vertices, body.faces, matrix, size)
    print(memory_mb("VmHWM") - before)


def memory_mb(field: str) -> float:
    """Of this process, now (VmRSS) or at its peak (VmHWM); Linux."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(float(line.split()[1]) for line in lines if line.startswith(field)) / 1024


def conditions(arguments: argparse.Namespace, body: BodyModel) -> dict[str, object]:
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, cwd=Path(__file__).parent
    ).stdout.strip()
    return {
        "commit": commit,
        "python": platform.python_version(),
        "torch": torch.__version__,
        "device": arguments.device if arguments.device == "cpu" else torch.cuda.get_device_name(),
        "processor": platform.processor() or platform.machine(),
        "threads": torch.get_num_threads(),
        "load_average_1_min": os.getloadavg()[0],
        "cores": os.cpu_count(),
        "seed": SEED,
        "body": body.name,
        "vertices": body.num_vertices,
        "faces": len(body.faces),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--body", default="open", help='"open" or a body file')
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--repeats", type=int, default=25)
    parser.add_argument(
        "--batches",
        type=lambda text: [int(n) for n in text.split(",")],
        help="by default 1,16,64, and on a GPU 256,1024,4096 too",
    )
    parser.add_argument("--renderers", default="torch,pytorch3d")
    parser.add_argument("--no-memory", action="store_true", help="leave the memory jobs out")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--memory-job", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    body = load_body(arguments.body)
    arguments.batches = arguments.batches or [1, 16, 64] + ([] if arguments.device == "cpu" else [256, 1024, 4096])
    if arguments.memory_job:
        run_memory_job(arguments.memory_job, body)
        return
    torch.set_num_threads(arguments.threads)
    report: dict[str, object] = {"conditions": conditions(arguments, body)}
    print(json.dumps(report["conditions"]))
    for name in arguments.renderers.split(","):
        try:
            renderer = load_renderer(name)
        except ImportError as error:
            print(f"{name}: left out: {error}")
            continue
        report[name] = results = bench(renderer, body, arguments)
        print(f"\n{name:58s} {'wall':>9s} {'(best)':>9s} {'cpu':>9s} {'(best)':>9s}  ms a body  {'a second':>10s}")
        for what, row in results.items():
            numbers = " ".join(f"{number:9.3f}" for number in row.values())
            print(f"{what:58s} {numbers}             {1e3 / row['wall_ms']:10,.0f}")
    if not arguments.no_memory and arguments.device == "cpu":
        report["peak_memory_mb"] = {name: memory_of(name, arguments.body) for name in MEMORY_JOBS}
        print("\npeak memory beside the inputs, MB")
        for what, megabytes in report["peak_memory_mb"].items():
            print(f"{what:58s} {megabytes:9.0f}")
    report["load_average_at_end"] = os.getloadavg()[0]
    if arguments.json:
        arguments.json.write_text(json.dumps(report, indent=1))


if __name__ == "__main__":
    main()
