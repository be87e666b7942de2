"""Tables on the terminal."""

from anchorfit.cli.tables import print_table
from anchorfit.evaluation.metrics.bootstrap import Interval
from anchorfit.evaluation.summary import POSE, SEGMENTATION, SEGMENTATION_BESIDE, Row


def test_in_a_file_a_row_is_a_line_however_wide(capsys):
    columns = (*SEGMENTATION, *SEGMENTATION_BESIDE, *POSE)
    scores = {column.key: Interval(0.5, 0.4, 0.6) for column in columns}
    print_table([Row(method="m", scores=scores, people=3, given="91 true landmarks, masks")], columns)
    headings, line = capsys.readouterr().out.splitlines()
    assert len(line) > 200
    assert "part acc % an image" in headings
    assert line.rstrip().endswith("91 true landmarks, masks")
