import pytest

from anchorfit.options import OptionError
from anchorfit.runs.claiming import make_folder
from anchorfit.runs.outputs import FileNames, name_files, parse_kinds


def files(*rows: tuple[str, str]) -> list[FileNames]:
    """Names of the files of people given as (image, name)."""
    return list(name_files([name for _, name in rows], [image for image, _ in rows]).values())


def bodies(*rows: tuple[str, str]) -> list[str]:
    return [names.body for names in files(*rows)]


def test_an_image_and_a_person_make_a_name():
    rows = ("/data/a.jpg", "a.jpg#1"), ("/data/a.jpg", "a.jpg#2"), ("/data/b.v2.jpg", "b.v2.jpg#1")
    assert bodies(*rows) == ["a_1", "a_2", "b.v2_1"]


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        (("a.jpg", "a.jpg#p#1"), ("a.jpg", "a.jpg#q#1"), ["a_p_1", "a_q_1"]),
        (("a.jpg", "a.jpg#a/b"), ("a.jpg", "a.jpg#a_b"), ["a_a_b", "a_a_b-2"]),
        (("a.jpg", "a.jpg#1_2"), ("a_1.jpg", "a_1.jpg#2"), ["a_1_2", "a_1_2-2"]),
        (("a.jpg", "a.jpg#x"), ("a.jpg", "a.jpg#X"), ["a_x", "a_X-2"]),
        (("x/a.jpg", "x/a.jpg#1"), ("y/a.jpg", "y/a.jpg#1"), ["x_a_1", "y_a_1"]),
        (("", "?#1"), ("", "?#../../etc"), ["__1", "__etc"]),
        (("a#b.jpg", "a#b.jpg#"), ("é ü.jpg", "é ü.jpg#1"), ["a_b__", "é_ü_1"]),
    ],
)
def test_names_never_meet_and_never_leave_the_folder(first, second, expected):
    assert bodies(first, second) == expected


def test_photographs_that_differ_in_the_ending_keep_their_own_pictures():
    both = files(("a.jpg", "a.jpg#1"), ("a.png", "a.png#1"))
    assert [names.picture for names in both] == ["a", "a-2"]


def test_long_names_are_cut():
    long = "n" * 250
    (name,) = bodies((f"{long}.jpg", f"{long}.jpg#{long}"))
    assert len(name) < 200


def test_kinds_are_checked():
    assert parse_kinds(" npz, GLB,npz") == ("npz", "glb")
    with pytest.raises(OptionError, match="expected some of npz, json"):
        parse_kinds("gif")


def test_a_folder_is_made_with_its_parents(tmp_path):
    make_folder(tmp_path / "a" / "b")
    assert not list((tmp_path / "a" / "b").iterdir())
