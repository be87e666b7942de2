"""Turn the archive of CMU takes into the pose library that the package ships.

python scripts/build_pose_library.py ARCHIVE -o anchorfit/assets/poses/cmu_poses.npz
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from cmu.archive import read_takes, split_of
from cmu.library import LibrarySettings, make_library, save_library


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("archive", type=Path, help="the tar archive of CMU takes, with its seqlist.tsv")
    parser.add_argument("-o", "--output", type=Path, default=Path("anchorfit/assets/poses/cmu_poses.npz"))
    parser.add_argument("--novelty-deg", type=float, default=LibrarySettings.novelty_deg)
    arguments = parser.parse_args()

    settings = LibrarySettings(novelty_deg=arguments.novelty_deg)
    library = make_library(read_takes(arguments.archive, stride=settings.stride), settings)
    save_library(arguments.output, library, settings)
    for subject, count in zip(*np.unique(library.subjects, return_counts=True), strict=True):
        print(f"{subject:>12} {split_of(str(subject)):>8} {count:6d}")
    print(f"{library.candidates} candidates, {library.failures} of them tracking failures, {len(library.poses)} kept")
    print(f"{arguments.output}: {arguments.output.stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
