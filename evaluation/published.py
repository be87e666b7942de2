"""Numbers of published tables, to print beside ours; each with its source.

"unconfirmed" marks what is quoted from memory of later papers and was not checked against the table itself.
"""

from __future__ import annotations

from .metrics.bootstrap import Interval
from .summary import Row

PAVLAKOS = "Pavlakos et al. 2018"


def _row(method: str, source: str, **scores: float) -> Row:
    nothing = float("nan")
    return Row(
        method=method, source=source, scores={key: Interval(value, nothing, nothing) for key, value in scores.items()}
    )


def _lsp(method: str, source: str, fb_acc: float, fb_f1: float, part_acc: float, part_f1: float) -> Row:
    percent = {"fb_accuracy": fb_acc, "fb_f1": fb_f1, "part_accuracy": part_acc, "part_f1": part_f1}
    return _row(method, source, **{key: value / 100 for key, value in percent.items()})


LSP_ROWS = (
    _lsp("SMPLify", f"{PAVLAKOS}, Table 5", 91.89, 88.07, 87.71, 63.98),
    _lsp("SMPLify + anchor", f"{PAVLAKOS}, Table 5", 92.17, 88.38, 88.24, 64.62),
    _lsp("SMPLify on ground truth", f"{PAVLAKOS}, Table 5", 92.17, 88.23, 88.82, 67.03),
    _lsp("random forest", "Lassner et al. 2017", 86.60, 80, 82.32, 51),
    _lsp("HMR", "Kanazawa et al. 2018", 91.67, 87, 87.12, 60),
    _lsp("CMR", "Kolotouros et al. 2019a, unconfirmed", 91.46, 87, 88.69, 66),
    _lsp("SPIN", "Kolotouros et al. 2019b, unconfirmed", 91.83, 87, 89.41, 68),
    _lsp("DecoMR", "Zeng et al. 2020, unconfirmed", 92.10, 88, 89.45, 69),
)


def _up3d(method: str, lsp: float, mpii: float, fashion: float, full: float, reduced: float) -> tuple[Row, ...]:
    source = f"{PAVLAKOS}, Table 2"
    parts = {"LSP": lsp, "MPII": mpii, "Fashion": fashion, "Full": full}
    rows = [_row(f"{method}, {part}", source, surface_mm=value) for part, value in parts.items()]
    return (*rows, _row(f"{method}, Reduced", source, landmarks_mm=reduced))


UP3D_ROWS = (
    *_up3d("Lassner et al., direct", 174.4, 184.3, 108.0, 169.8, 123.6),
    _row("Tan et al., indirect, Reduced", f"{PAVLAKOS}, Table 2", landmarks_mm=189),
    _row("Tan et al., direct, Reduced", f"{PAVLAKOS}, Table 2", landmarks_mm=105),
    *_up3d("Pavlakos et al.", 127.8, 110.0, 106.5, 117.7, 100.5),
)

SURREAL_ROWS = (
    _row("Lassner et al., true shape", f"{PAVLAKOS}, Table 3", surface_mm=200.5),
    _row("SMPLify, true shape", f"{PAVLAKOS}, Table 3", surface_mm=177.2),
    _row("Pavlakos et al., true shape", f"{PAVLAKOS}, Table 3", surface_mm=151.5),
    _row("SMPLify", f"{PAVLAKOS}, Table 3", surface_mm=202.0),
    _row("Pavlakos et al.", f"{PAVLAKOS}, Table 3", surface_mm=155.5),
)

HUMAN36M_ROWS = (
    _row("Akhter & Black", f"{PAVLAKOS}, Table 4", reconstruction_mm=181.1),
    _row("Ramakrishna et al.", f"{PAVLAKOS}, Table 4", reconstruction_mm=157.3),
    _row("Zhou et al.", f"{PAVLAKOS}, Table 4", reconstruction_mm=106.7),
    _row("SMPLify", f"{PAVLAKOS}, Table 4", reconstruction_mm=82.3),
    _row("Lassner et al., direct", f"{PAVLAKOS}, Table 4", reconstruction_mm=93.9),
    _row("Lassner et al., optimisation", f"{PAVLAKOS}, Table 4", reconstruction_mm=80.7),
    _row("Pavlakos et al.", f"{PAVLAKOS}, Table 4", reconstruction_mm=75.9),
)
