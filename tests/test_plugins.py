"""Objects of other packages: named without an import, loaded one by one, a broken one said and no other lost."""

import pytest

from anchorfit.plugins import PluginError, load_plugin, load_plugins, plugin_names

GROUP = "anchorfit.things"


def broken():
    raise ModuleNotFoundError("No module named 'gone'")


def test_names_are_known_without_an_import(offer):
    offer(GROUP, {"a": broken, "b": lambda: 3})
    assert plugin_names(GROUP) == ("a", "b")
    assert load_plugin(GROUP, "b", int) == 3
    assert plugin_names("anchorfit.others") == ()


def test_one_that_cannot_be_used_is_named(offer):
    offer(GROUP, {"a": broken, "b": lambda: "three"})
    with pytest.raises(
        PluginError,
        match=r"^anchorfit\.things: a cannot be loaded \(No module named 'gone'\); reinstall or uninstall other$",
    ):
        load_plugin(GROUP, "a", int)
    with pytest.raises(PluginError, match=r"^anchorfit\.things: b is no int; reinstall or uninstall other$"):
        load_plugin(GROUP, "b", int)


def test_a_broken_package_is_one_line_and_costs_no_other(offer):
    offer(GROUP, {"a": broken, "b": lambda: 3, "c": broken})
    found, problems = load_plugins(GROUP, int)
    assert found == {"b": 3}
    assert [*map(str, problems)] == [
        "anchorfit.things: a, c cannot be loaded (No module named 'gone'); reinstall or uninstall other"
    ]


def test_a_package_that_ends_the_interpreter_is_a_line_too(offer):
    def ends():
        raise SystemExit(3)

    offer(GROUP, {"a": ends, "b": lambda: 3})
    found, problems = load_plugins(GROUP, int)
    assert found == {"b": 3}
    assert [*map(str, problems)] == ["anchorfit.things: a cannot be loaded (3); reinstall or uninstall other"]
