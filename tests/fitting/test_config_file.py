"""`read_config`: every constant can be set by a file, and what a file cannot say is told in one line."""

import re
from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from typing import get_args, get_type_hints

import pytest

from anchorfit.fitting import SCHEDULES, ConfigFileError, FitConfig, read_config
from anchorfit.fitting.config import TERMS
from anchorfit.fitting.least_squares import Dogleg, LevenbergMarquardt
from anchorfit.fitting.terms import Anchor, Hinge, Interpenetration

PAGE = Path(__file__).resolve().parents[2] / "docs" / "fitting.md"
WHOLE = FitConfig(terms=TERMS)
"""Everything that can be configured: all terms, all stages."""


def toml(value) -> str:
    if isinstance(value, (tuple, list)):
        return f"[{', '.join(map(toml, value))}]"
    if isinstance(value, dict):
        return f"{{ {', '.join(f'{name} = {toml(one)}' for name, one in value.items())} }}"
    if value is None:
        return '"none"'
    return {True: "true", False: "false"}[value] if isinstance(value, bool) else repr(value).replace("'", '"')


def leaves(value, path=()):
    """(path, value) of every constant of a dataclass, by fields and names."""
    for field in fields(value):
        inner, here = getattr(value, field.name), (*path, field.name)
        if field.name == "name":
            continue
        if field.name in ("stages", "terms"):
            for one in inner:
                yield from leaves(one, (*here, one.name))
        elif is_dataclass(inner):
            yield from leaves(inner, here)
        else:
            yield here, inner


def written(path, value) -> str:
    """A file that sets one constant."""
    *tables, key = (f'"{part}"' if " " in part else part for part in path)
    head = f"[{'.'.join(tables)}]\n" if tables else ""
    return f"{head}{key} = {toml(value)}\n"


def another(path, old):
    """A value of the same type, other than the old one."""
    if path[-1] == "part":
        return next(part for part in get_args(get_type_hints(Anchor)["part"]) if part != old)
    words = {"from_stage": "second" if old == "last" else "last", "depth_from": "torso"}
    if path[-1] in words:
        return words[path[-1]]
    if isinstance(old, bool):
        return not old
    if isinstance(old, dict):
        return {"left_hip": 0.125, "nose": 0.0}
    if isinstance(old, tuple):
        return (-7.5, 7.5)
    return 12.5 if old is None else old + 3


LEAVES = dict(leaves(WHOLE)) | dict(leaves(replace(WHOLE, rule=Dogleg())))


@pytest.mark.parametrize("path", LEAVES, ids=".".join)
def test_every_constant_is_set_by_its_own_line_and_nothing_with_it(path, tmp_path):
    old = LEAVES[path]
    base = replace(WHOLE, rule=Dogleg()) if path[-1] in ("radius", "min_radius") else WHOLE
    new = another(path, old)
    (tmp_path / "fit.toml").write_text(written(path, new))
    expected = dict(leaves(base)) | {path: {**old, **new} if isinstance(old, dict) else new}
    assert expected[path] != old
    assert dict(leaves(read_config(tmp_path / "fit.toml", base))) == expected


def test_all_constants_are_set_by_one_file(tmp_path):
    new = {path: another(path, old) for path, old in leaves(WHOLE)}
    tables: dict[str, list[str]] = {}
    for path, value in new.items():
        tables.setdefault(".".join(f'"{part}"' for part in path[:-1]), []).append(f"{path[-1]} = {toml(value)}\n")
    text = "".join(tables.pop("")) + "".join(f"[{head}]\n{''.join(lines)}" for head, lines in tables.items())
    (tmp_path / "fit.toml").write_text(text)
    found = dict(leaves(read_config(tmp_path / "fit.toml", WHOLE)))
    olds = dict(leaves(WHOLE))
    assert found == {path: {**olds[path], **one} if isinstance(one, dict) else one for path, one in new.items()}


def read(tmp_path, text, base=None):
    (tmp_path / "fit.toml").write_text(text)
    return read_config(tmp_path / "fit.toml", base or SCHEDULES["anchored"]())


def test_an_empty_file_changes_nothing(tmp_path):
    assert read(tmp_path, "") == SCHEDULES["anchored"]()


def test_terms_are_switched_on_and_off(tmp_path):
    config = read(tmp_path, "[terms.hinge]\noff = true\n[terms.upright]\noff = true\n[terms.interpenetration]\n")
    assert config.term("hinge") is None
    assert config.term("upright") is None  # it was off before
    assert config.term("interpenetration") == Interpenetration()
    assert read(tmp_path, "[terms.hinge]\noff = false\n").term("hinge") == Hinge()


def test_a_stage_is_switched_off(tmp_path):
    config = read(tmp_path, "[stages.second]\noff = true\n", FitConfig())
    assert [stage.name for stage in config.stages[:2]] == ["first", "third"]


def test_the_step_rule_is_named_or_a_table(tmp_path):
    assert read(tmp_path, 'rule = "dogleg"').rule == Dogleg()
    assert read(tmp_path, '[rule]\nkind = "dogleg"\nradius = 2').rule == Dogleg(radius=2.0)
    assert read(tmp_path, "[rule]\ndamping = 0.5").rule == LevenbergMarquardt(damping=0.5)
    dogleg = replace(FitConfig(), rule=Dogleg(radius=2.0))
    assert read(tmp_path, '[rule]\nkind = "dogleg"\nmin_radius = 1e-3', dogleg).rule == Dogleg(
        radius=2, min_radius=1e-3
    )
    assert read(tmp_path, 'rule = "levenberg-marquardt"', dogleg).rule == LevenbergMarquardt()


def test_weights_of_joints_that_are_not_named_stay(tmp_path):
    before, after = (
        SCHEDULES["anchored"]().keypoints,
        read(tmp_path, "terms.keypoints.joint_weights.nose = 0").keypoints,
    )
    assert after == replace(before, joint_weights={**before.joint_weights, "nose": 0.0})


WRONG = {
    "weigth = 3": ("weigth: no such key; expected stages, terms, reference_height",),
    "[terms.hinge]\nwieght = 3": ("terms.hinge.wieght: no such key; expected from_stage, weight, steepness",),
    '[terms.hinge]\nname = "x"': ("terms.hinge.name: no such key",),
    "[terms.hing]": ("terms: expected some of keypoints, limb_directions, pose_prior", "got hing"),
    "[terms.hinge]\nweight = '3'": ("terms.hinge.weight: expected a number of 0 or more, got '3'",),
    "[terms.hinge]\nweight = true": ("terms.hinge.weight: expected a number of 0 or more, got True",),
    "[terms.hinge]\nweight = nan": ("terms.hinge.weight: expected a number of 0 or more, got nan",),
    "[terms.hinge]\nweight = inf": ("terms.hinge.weight: expected a number",),
    "[terms.hinge]\nweight = 1" + 400 * "0": ("terms.hinge.weight: expected a number of 0 or more, got 1000",),
    "[terms.hinge]\nweight = 1" + 5000 * "0": ("this is no TOML (Exceeds the limit",),
    "[terms.hinge]\nweight = -1": ("terms.hinge.weight: expected a number of 0 or more, got -1",),
    "[terms.keypoints]\nsigma = 0": ("terms.keypoints.sigma: expected a number above 0, got 0",),
    "[terms.hinge]\noff = 1": ("terms.hinge.off: expected true or false, got 1",),
    "[terms.hinge]\noff = true\nweight = 3": ("terms.hinge: expected off = true alone, got weight, too",),
    "[terms.keypoints]\noff = true": ("terms.keypoints: expected it to be on",),
    "terms = 3": ("terms: expected a table [terms], got 3",),
    "terms.hinge = 3": ("terms.hinge: expected a table [terms.hinge], got 3",),
    "[[terms]]\nweight = 3": ("terms: expected a table [terms], got [{'weight': 3}]",),
    "[terms.hinge]\nfrom_stage = 'lst'": ("hinge is to begin in stage 'lst'; there are last, outlines",),
    "[terms.anchor]\npart = 'pose'": ('terms.anchor.part: expected "body_pose" or "global_orient" or "betas"',),
    "[terms.keypoints.joint_weights]\nhip = 1": ("terms.keypoints.joint_weights.hip: no such joint; expected some of",),
    "[terms.keypoints.joint_weights]\nnose = 'a'": ("terms.keypoints.joint_weights.nose: expected a number",),
    "[stages.lst]": ("stages.lst: no such stage; expected last, outlines",),
    "[stages.last]\nrounds = 1.5": ("stages.last.rounds: expected a whole number of 1 or more, got 1.5",),
    "[stages.last]\nrounds = 0": ("stages.last.rounds: expected a whole number of 1 or more, got 0",),
    "[stages.last]\nholds_camera = 1": ("stages.last.holds_camera: expected true or false, got 1",),
    "[stages.outlines]\noff = true": ("silhouette is to begin in stage 'outlines'",),
    "[stages.last.stopping]\ntol = 1": ("stages.last.stopping.tol: no such key; expected rtol, max_steps",),
    "[stages.last]\nstopping = 3": ("stages.last.stopping: expected a table [stages.last.stopping], got 3",),
    "rule = 'newton'": ('rule: expected "levenberg-marquardt" or "dogleg", got \'newton\'',),
    "rule = 3": ("rule: expected a table [rule], got 3",),
    "[rule]\nradius = 3": ("rule.radius: no such key; expected damping, max_damping",),
    "reference_height = 'no'": ("reference_height: expected a number above 0, got 'no'",),
    "[camera]\ndepth_from = 'legs'": ('camera.depth_from: expected "limbs" or "torso", got \'legs\'',),
    "[camera]\nyaws_deg = 3": ("camera.yaws_deg: expected a list of numbers, got 3",),
    "[camera]\nyaws_deg = [0, 'a']": ("camera.yaws_deg: expected a list of numbers, got [0, 'a']",),
    "[camera]\nyaws_deg = []": ("camera.yaws_deg: expected a list of numbers, got []",),
    "[limits]\nmax_beta = 1979-05-27": ("limits.max_beta: expected a number",),
    "[terms.hinge]\nweight = 1\nweight = 2": ("this is no TOML (Cannot overwrite a value",),
    "[terms.hinge]\n[terms.hinge]": ("this is no TOML (Cannot declare",),
    "weight 3": ("this is no TOML (",),
}


@pytest.mark.parametrize("text", WRONG, ids=lambda text: text.replace("\n", " ")[:60])
def test_what_a_file_cannot_say_is_one_line_with_file_key_and_what_was_expected(text, tmp_path):
    with pytest.raises(ConfigFileError) as caught:
        read(tmp_path, text)
    said = str(caught.value)
    assert said.startswith(f"{tmp_path / 'fit.toml'}: ")
    assert "\n" not in said
    assert all(part in said for part in WRONG[text]), said


def test_a_schedule_without_any_stage_is_refused(tmp_path):
    names = [stage.name for stage in FitConfig().stages]
    with pytest.raises(ConfigFileError, match="stages: expected one that is on"):
        read(tmp_path, "".join(f'[stages."{name}"]\noff = true\n' for name in names), FitConfig())


def test_files_that_are_missing_or_no_text(tmp_path):
    with pytest.raises(ConfigFileError, match=r"none\.toml: no such configuration file"):
        read_config(tmp_path / "none.toml", FitConfig())
    with pytest.raises(ConfigFileError, match="cannot be read"):
        read_config(tmp_path, FitConfig())
    (tmp_path / "fit.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigFileError, match="this is no TOML"):
        read_config(tmp_path / "fit.toml", FitConfig())


ROWS = {
    (table, key): usual
    for table, key, usual in re.findall(r"^\| (?:`([\w.]+)` )?\| `(\w+)` \| ([^|]+) \|", PAGE.read_text(), flags=re.M)
}
"""Of the table of all constants: (table, key) -> its usual value."""


def row_of(path) -> tuple[str, str]:
    """Where a constant is documented: all stages in one row, and the first stages of all terms."""
    *tables, key = path
    if tables[:1] == ["stages"] or key == "from_stage":
        tables[1] = "NAME"
    return ".".join(tables), key


def shown(value) -> str:
    if isinstance(value, tuple):
        return f"[{', '.join(map(shown, value))}]"
    return f"{value:g}" if type(value) in (int, float) else toml(value)


def test_all_constants_are_documented_and_no_others():
    assert set(ROWS) == {row_of(path) for path in LEAVES}


ALONE = [path for path in LEAVES if "NAME" not in row_of(path)[0] and not isinstance(LEAVES[path], dict)]


@pytest.mark.parametrize("path", ALONE, ids=".".join)
def test_the_usual_value_is_documented(path):
    assert ROWS[row_of(path)] == f"`{shown(LEAVES[path])}`"


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_the_example_of_the_documentation_can_be_read(schedule, tmp_path):
    (example,) = re.findall(r"```toml\n(.*?)```", PAGE.read_text(), flags=re.DOTALL)
    config = read(tmp_path, example, SCHEDULES[schedule]())
    assert (config.reference_height, config.rule, config.term("hinge")) == (250.0, Dogleg(), Hinge(weight=3.0))
    assert config.term("anchor") is None
