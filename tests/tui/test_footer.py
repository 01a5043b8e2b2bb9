"""Every key that a footer can name is pressed in a test of its screen."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from iris_migrate.tui.commands import COMMANDS, Command

HERE = Path(__file__).parent
# Where the keys of an area are pressed by a pilot. The Start screen's Enter leads the flow.
TESTED = {
    "start": ("flow",), "connect": ("keys",), "discover": ("keys",), "settings": ("keys",), "opening": ("flow",),
    "checklist": ("checklist", "consent", "failure", "small", "ending"), "logs": ("logs",), "verify": ("verify",),
    "decommission": ("decommission",), "app": ("keys",),
}  # fmt: skip


def pressed(module: str) -> set[str]:
    """The keys that a module's tests press."""
    calls = (
        node for node in ast.walk(ast.parse((HERE / f"test_{module}.py").read_text()))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "press"
    )  # fmt: skip
    return {arg.value for call in calls for arg in call.args if isinstance(arg, ast.Constant)}


@pytest.mark.parametrize("command", [one for one in COMMANDS if one.footer or one.wide], ids=lambda one: one.id)
def test_a_key_of_a_footer_is_pressed(command: Command) -> None:
    keys = {key for module in TESTED[command.area] for key in pressed(module)}
    assert keys & set(command.key.split(",")), f"no test presses {command.key} for {command.id}"
