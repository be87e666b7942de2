# /// script
# requires-python = ">=3.11"
# dependencies = ["numpy", "trimesh==5.2.0", "pygltflib==1.16.5", "usd-core==26.11", "impasse==5.4.2"]
# ///
"""trimesh, pygltflib, USD and assimp: meshes of ten poses, their normals and faces.

assimp's library comes from Debian, unpacked into the temporary folder (apt-get download); where there is no apt it is
passed over.

    python counterparts/run.py mesh_readers
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pygltflib
import trimesh
from pxr import Tf, Usd
from verdict import farthest_mm, nearest_mm, say, truth

KINDS = ("glb", "obj", "ply")
DEBIAN = ("libassimp5", "libdraco7", "libminizip1")


def by_trimesh(files, data):
    for kind in KINDS:
        loaded = [trimesh.load_mesh(files / f"pose_{number}.{kind}", process=False) for number in range(10)]
        worst = max(farthest_mm(one.vertices, goal) for one, goal in zip(loaded, data["vertices"], strict=True))
        say("trimesh", f"{kind.upper()}, ten poses, vertices", worst, 0.1)
        say("trimesh", f"{kind.upper()}, watertight, outside out", str(loaded[0].is_volume), "True")


def by_pygltflib(files, data):
    worst = {"POSITION": 0.0, "NORMAL": 0.0}
    for number, goal in enumerate(data["vertices"]):
        file = pygltflib.GLTF2().load(files / f"pose_{number}.glb")
        (primitive,) = file.meshes[0].primitives
        worst["POSITION"] = max(worst["POSITION"], farthest_mm(array(file, primitive.attributes.POSITION), goal))
        lengths = np.linalg.norm(array(file, primitive.attributes.NORMAL), axis=1)
        worst["NORMAL"] = max(worst["NORMAL"], float(np.abs(lengths - 1).max()))
    say("pygltflib", "GLB, ten poses, vertices", worst["POSITION"], 0.1)
    say("pygltflib", "GLB, normals' length from 1", worst["NORMAL"], 1e-4, "")
    rigged = pygltflib.GLTF2().load(files / "motion_rigged.glb")
    names = [rigged.nodes[joint].name for joint in rigged.skins[0].joints]
    say("pygltflib", "skinned GLB, joints by name", str(names == data["joint_names"].tolist()), "True")


def array(file, number):
    accessor = file.accessors[number]
    view = file.bufferViews[accessor.bufferView]
    start = (view.byteOffset or 0) + (accessor.byteOffset or 0)
    return np.frombuffer(file.binary_blob(), np.float32, accessor.count * 3, start).reshape(-1, 3)


def by_usd(files):
    for name in ("pose_0.glb", "pose_0.obj", "pose_0.ply"):
        try:
            read = "read" if Usd.Stage.Open(str(files / name)) else "not read"
        except Tf.ErrorException:
            read = "not read"
        note = "the package has no readers of other formats: by way of Blender"
        say("usd-core", name.partition(".")[2].upper(), read, None, note=note)


def by_assimp(files, data):
    if not shutil.which("apt-get"):
        print("PASSED OVER assimp: no apt-get here")
        return
    with tempfile.TemporaryDirectory() as work:
        subprocess.run(["apt-get", "-qq", "download", *DEBIAN], cwd=work, check=True, stderr=subprocess.DEVNULL)
        for package in Path(work).glob("*.deb"):
            subprocess.run(["dpkg", "-x", package, work], check=True)
        (version,) = {package.name.split("_")[1] for package in Path(work).glob("libassimp5*.deb")}
        (library,) = {path.parent for path in Path(work).rglob("libassimp.so.5")}
        environment = {**os.environ, "LD_LIBRARY_PATH": str(library), "ASSIMP_LIBRARY": str(library / "libassimp.so.5")}
        command = [sys.executable, __file__, str(files), "assimp", version]
        subprocess.run(command, env=environment, check=True)


def with_library(files, data, version):
    import impasse

    for kind in KINDS:
        worst = 0.0
        for number, goal in enumerate(data["vertices"]):
            scene = impasse.load(str(files / f"pose_{number}.{kind}"))
            points = np.concatenate([np.asarray(mesh.vertices) for mesh in scene.meshes])
            worst = max(worst, nearest_mm(goal[::37], points))
        has = all(len(mesh.normals) for mesh in scene.meshes)
        say("assimp", f"{kind.upper()}, ten poses, vertices", worst, 0.1, version=version)
        say("assimp", f"{kind.upper()}, normals", str(bool(has)), "True", version=version)


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    known = truth(folder)
    if sys.argv[2:3] == ["assimp"]:
        with_library(folder, known, sys.argv[3])
    else:
        by_trimesh(folder, known)
        by_pygltflib(folder, known)
        by_usd(folder)
        by_assimp(folder, known)
