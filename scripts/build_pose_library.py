"""Turn motion capture files into the pose library that the package ships.

python scripts/build_pose_library.py ARCHIVE --motion FOLDER_OR_TAR [--motion ...] -o OUTPUT.npz
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from motion.archive import read_takes, split_of
from motion.library import LibrarySettings, convert_takes, make_library, save_library
from motion.sources import read_motions


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("archive", type=Path, help="the tar archive of CMU takes, with its seqlist.tsv")
    parser.add_argument(
        "--motion", type=Path, action="append", default=[], help="folder or tar of the sources in motion/sources.py"
    )
    parser.add_argument("-o", "--output", type=Path, default=Path("anchorfit/assets/poses/library.npz"))
    parser.add_argument("--novelty-deg", type=float, default=LibrarySettings.novelty_deg)
    arguments = parser.parse_args()

    settings = LibrarySettings(novelty_deg=arguments.novelty_deg)
    # CMU's main archive first and by itself: its poses, held-out ones among them, are the same whatever is added.
    motions = convert_takes(read_takes(arguments.archive, stride=settings.stride), settings)
    library = make_library([*motions, *read_motions(arguments.motion, settings, print)], settings)
    save_library(arguments.output, library, settings)
    for subject, count in zip(*np.unique(library.subjects, return_counts=True), strict=True):
        print(f"{subject:>12} {split_of(str(subject)):>8} {count:6d}")
    print(f"{library.candidates} candidates, {library.failures} of them tracking failures, {len(library.poses)} kept")
    print(f"{arguments.output}: {arguments.output.stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
