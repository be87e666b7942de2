# /// script
# requires-python = "==3.11.*"
# dependencies = ["torch==2.13.0", "anchorfit", "numpy<2", "pyarrow==26.0.1"]
# ///
"""pyarrow's newest release beside NumPy 1, for which it is not made: what is written instead, and the reason given.

python counterparts/run.py arrow_and_numpy1
"""

import sys
import warnings
from pathlib import Path

from verdict import say

from anchorfit.evaluation.reports.people import write_person_scores


def main(files):
    folder = files / "scores"
    folder.mkdir(exist_ok=True)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        written = write_person_scores(folder, [])
    said = [str(one.message) for one in caught if one.category is RuntimeWarning]
    told = len(said) == 1 and "pyarrow is installed and cannot be imported" in said[0] and "\n" not in said[0]
    fine = written.suffix == ".parquet" and not said
    kept = "a table, or one line with the true reason"
    shown = kept if fine or told else f"{written.name}, {len(said)} lines"
    say("pyarrow", "beside NumPy 1: scores of people", shown, kept, note="; ".join([written.name, *said]))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
