"""What a run says of many people: the same is one line."""

from __future__ import annotations

from anchorfit.fit_options import InputProblem
from anchorfit.runs.told import Lines


def said(problems, most=10):
    lines = Lines(most)
    lines.add(problems)
    return lines


def test_one_of_a_kind_is_as_it_is():
    problems = [InputProblem("a.jpg#1", "nose: outside the image; kept"), "b.png: cannot be written"]
    assert said(problems).first == [str(problem) for problem in problems]
    assert repr(said(problems)) == f"Lines({said(problems).first!r})"


def test_the_same_words_of_many_name_the_first_and_count_the_rest():
    problems = [InputProblem(f"{row}.jpg#0", "nose: outside the image; kept") for row in range(810)]
    assert said(problems).first == ["0.jpg#0, 1.jpg#0, 2.jpg#0 and 807 more: nose: outside the image; kept"]


def test_other_joints_numbers_and_paths_are_alike():
    joints = ["nose", "left_hip, right_hip", "left_hip, nose, jaw and 5 more joints"]
    problems = [InputProblem(f"{row}.jpg#0", f"{one}: is absurd; not seen") for row, one in enumerate(joints)]
    sizes = [InputProblem(f"{row}.jpg#0", f"skipped: in/{row}.jpg has {row} x 212 pixels") for row in range(5)]
    assert said([*problems, *sizes]).first == [
        "0.jpg#0: nose: is absurd; not seen (alike: 1.jpg#0, 2.jpg#0)",
        "0.jpg#0: skipped: in/0.jpg has 0 x 212 pixels (alike: 1.jpg#0, 2.jpg#0 and 2 more)",
    ]


def test_what_differs_in_words_stays_apart_and_too_many_kinds_are_counted():
    problems = [InputProblem("a.jpg#1", f"reason {letter}") for letter in "abcde"]
    lines = said(problems, most=3)
    assert len(lines.first) == 3
    assert lines.more == 2
    assert lines.told == [*lines.first, "... and 2 more for other reasons"]


def test_a_reason_is_said_once_with_a_count():
    lines = Lines(3)
    lines.add([InputProblem(f"{i}.jpg#{i}", "skipped: no joint") for i in range(9)])
    lines.add([InputProblem("a.jpg#1", "skipped: in/a.jpg has 640 x 480"), "overlay.png: a file that failed"])
    assert not Lines(3).shortened
    lines.add([InputProblem("b.jpg#2", "skipped: in/b.jpg has 800 x 600"), InputProblem("c.jpg#1", "a fourth")])
    assert lines.first == [
        "0.jpg#0, 1.jpg#1, 2.jpg#2 and 6 more: skipped: no joint",
        "a.jpg#1: skipped: in/a.jpg has 640 x 480 (alike: b.jpg#2)",
        "overlay.png: a file that failed",
    ]
    assert (lines.more, lines.shortened) == (1, True)
