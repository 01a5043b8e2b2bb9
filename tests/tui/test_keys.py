"""Every key that a footer names does what it says; keys that come too early are kept."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from textual.widgets import Input, OptionList

from iris_migrate.tui.app import REHEARSE
from iris_migrate.tui.commands import COMMANDS, KeyMapError, commands, read_key_map
from iris_migrate.tui.place import Place, line
from iris_migrate.tui.screens.connect import ConnectScreen
from iris_migrate.tui.screens.discover import DiscoverScreen
from iris_migrate.tui.screens.opening import OpeningScreen
from iris_migrate.tui.screens.settings import SettingsScreen
from iris_migrate.tui.screens.start import Choice, Chosen, StartScreen
from iris_migrate.tui.widgets.help import HelpDialog
from iris_migrate.tui.widgets.keys import KeyLine
from tests.tui import steps
from tests.tui.canned import ANSWERS, CannedApp, CannedAws

SIZE = (80, 24)


@pytest.fixture(autouse=True)
def _no_profiles(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("iris_migrate.connections.aws.profiles", lambda: ("example",))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9/")
    monkeypatch.setenv("IRIS_MIGRATE_KEYS", "")


async def footer(pilot: object) -> dict[str, str]:
    """The keys that the footer names, with their words."""
    await pilot.pause(0.1)  # type: ignore[attr-defined]
    return pilot.app.screen.query_one(KeyLine).named  # type: ignore[attr-defined,no-any-return]


async def test_the_way_forward_and_back_by_enter_and_escape(tmp_path: Path) -> None:
    app = CannedApp(tmp_path)
    async with app.run_test(size=SIZE) as pilot:
        await steps.at_start(pilot)
        assert await footer(pilot) == {"Enter": "choose", "?": "help", "q": "quit"}
        await steps.at_settings(pilot)
        for screen in (DiscoverScreen, ConnectScreen, StartScreen):
            await pilot.press("escape")
            await steps.until(pilot, lambda screen=screen: isinstance(app.screen, screen) and app.screen.awake)


async def test_the_footer_leaves_out_what_does_not_work_now(tmp_path: Path) -> None:
    app = CannedApp(tmp_path, CannedAws(opens="Log in again: aws sso login --profile example."))
    async with app.run_test(size=SIZE) as pilot:
        await steps.at_start(pilot)
        await pilot.press("enter")
        await steps.until(pilot, lambda: bool(getattr(app.screen, "problem", "")))
        assert await footer(pilot) == {"r": "try again", "y": "copy", "Esc": "back", "?": "help", "q": "quit"}
        await pilot.press("enter")
        assert isinstance(app.screen, ConnectScreen)
        await pilot.press("y")
        assert app.clipboard == "aws sso login --profile example"
        app._aws._opens = ""
        await pilot.press("r")
        await steps.until(pilot, lambda: app.screen.ready and not app.screen.busy)
        assert "Enter" in await footer(pilot)


async def test_looking_again_asks_again(tmp_path: Path) -> None:
    answers = dict(ANSWERS)
    app = CannedApp(tmp_path, CannedAws(answers))
    async with app.run_test(size=SIZE) as pilot:
        await steps.at_discover(pilot)
        answers["lambda:ListFunctions"] = [{"FunctionName": "another", "Runtime": "python3.12"}]
        await pilot.press("r")
        await steps.until(pilot, lambda: "another" in steps.text(pilot) and app.screen.ready)
        await pilot.press("down")
        await steps.until(pilot, lambda: "Nothing is taken over" in steps.text(pilot))


async def test_settings_are_marked_typed_reset_and_written(tmp_path: Path) -> None:
    app = CannedApp(tmp_path)
    async with app.run_test(size=SIZE) as pilot:
        await steps.at_settings(pilot)
        screen = app.screen
        assert isinstance(screen, SettingsScreen)
        assert await footer(pilot) == {
            "F2": "save and go on", "F3": "all", "Esc": "back", "F1": "help", "Ctrl+Q": "quit",
        }  # fmt: skip
        await pilot.press("f3")
        await steps.until(pilot, lambda: "All " in str(screen.query_one(OptionList).border_title))
        while screen._row().name != "instance.volume_gb":
            await pilot.press("down")
        await pilot.press("ctrl+u", "6")
        assert screen._row().wrong == "6 is too small; expected at least 8"
        await pilot.press("f2")
        await pilot.pause()
        assert app.screen is screen, "what is wrong is not written"
        assert "Not saved: 6 is too small" in steps.text(pilot)
        await pilot.press("0")
        assert (screen._row().origin, screen._row().wrong) == ("typed", "")
        assert "volume 60 GB gp3 $4.80" in steps.text(pilot)
        assert (await footer(pilot))["F4"] == "as found"
        await pilot.press("f4")
        assert (screen._row().origin, screen._row().text) == ("default", "30")
        await pilot.press("ctrl+u", "4", "0", "f2")
        await steps.until(pilot, lambda: isinstance(app.screen, OpeningScreen) or app.session is not None)
    written = yaml.safe_load(app.settings.read_text())
    assert written["instance.volume_gb"] == 40
    assert written["lambda.function"] == "iris-backend"
    assert written["old_endpoint"] == "https://a1b2c3.example.com"


async def test_a_key_of_the_old_side_is_carried_over_as_a_file_that_only_the_owner_reads(tmp_path: Path) -> None:
    held = {"Environment": {"Variables": {"IRIS_API_KEYS": "first-key,second-key"}}}
    app = CannedApp(tmp_path, CannedAws({**ANSWERS, "lambda:GetFunctionConfiguration": held}))
    async with app.run_test(size=SIZE) as pilot:
        await steps.at_settings(pilot)
        assert "first-key" not in steps.text(pilot)
        await pilot.press("f2")
        await steps.until(pilot, lambda: not isinstance(app.screen, SettingsScreen))
    kept = tmp_path / "state" / "secrets" / "iris_api_keys"
    assert kept.read_text() == "first-key,second-key"
    assert kept.stat().st_mode & 0o777 == 0o600
    assert "first-key" not in app.settings.read_text()
    assert yaml.safe_load(app.settings.read_text())["iris_api_keys"] == {"file": str(kept)}


async def test_a_secret_typed_into_the_line_is_not_shown_and_not_written(tmp_path: Path) -> None:
    app = CannedApp(tmp_path)
    async with app.run_test(size=SIZE) as pilot:
        await steps.at_settings(pilot)
        screen = app.screen
        while screen._row().name != "openai_api_key":
            await pilot.press("down")
        await pilot.press("ctrl+u", *"sk-typed")
        await pilot.pause()
        assert "sk-typed" not in steps.text(pilot)
        assert "only named here by its source" in screen._row().wrong


async def test_a_paste_of_a_megabyte_into_a_field_is_refused_and_the_screen_lives(tmp_path: Path) -> None:
    from textual import events

    app = CannedApp(tmp_path)
    async with app.run_test(size=SIZE) as pilot:
        await steps.at_settings(pilot)
        before = app.screen.query_one(Input).value
        app.screen.query_one(Input).post_message(events.Paste("x" * 1_000_000))
        await pilot.pause()
        assert app.screen.query_one(Input).value == before
        await pilot.press("down")
        assert app.screen._at() == 1


async def test_keys_pressed_before_a_screen_is_there_reach_it(tmp_path: Path) -> None:
    app = CannedApp(tmp_path)
    async with app.run_test(size=SIZE) as pilot:
        await steps.at_start(pilot)
        app.screen.dismiss(Chosen(Choice.SETTINGS, None))
        assert not app.screen.takes_keys
        await pilot.press("question_mark")
        await steps.until(pilot, lambda: isinstance(app.screen, HelpDialog))
        assert isinstance(app.screen_stack[-2], ConnectScreen)


@pytest.mark.parametrize("way", [steps.at_start, steps.at_connect, steps.at_discover, steps.at_settings])
async def test_every_screen_survives_the_smallest_terminal_and_comes_back(tmp_path: Path, way: object) -> None:
    app = CannedApp(tmp_path)
    async with app.run_test(size=SIZE) as pilot:
        await way(pilot)  # type: ignore[operator]
        before = steps.text(pilot)
        await pilot.resize_terminal(20, 5)
        await pilot.press("down")
        await pilot.press("up")
        await pilot.resize_terminal(*SIZE)
        await pilot.pause()
        assert steps.text(pilot) == before


async def test_quit_help_palette_and_theme_work_everywhere(tmp_path: Path) -> None:
    app = CannedApp(tmp_path)
    async with app.run_test(size=SIZE) as pilot:
        await steps.at_connect(pilot)
        await pilot.press("question_mark")
        await steps.until(pilot, lambda: isinstance(app.screen, HelpDialog))
        assert "AWS is asked who you are" in steps.text(pilot)
        await pilot.press("escape")
        await pilot.press("f9")
        assert app.theme == "light"
        await pilot.press("ctrl+p")
        await steps.until(pilot, lambda: "Ask AWS again who you are." in steps.text(pilot))
        await pilot.press("escape")
        await pilot.press("q")
    assert app.return_value == 0


async def test_rehearse_hands_over_to_the_command_line(tmp_path: Path) -> None:
    app = CannedApp(tmp_path)
    async with app.run_test(size=SIZE) as pilot:
        await steps.at_start(pilot)
        await pilot.press("end", "enter")
        await steps.until(pilot, lambda: app.return_value is not None)
    assert app.return_value == REHEARSE


async def test_no_control_character_of_the_old_side_reaches_the_screen(tmp_path: Path) -> None:
    hostile = "a\x1b]52;c;QUJD\x07b\x1b[31mc\x9b5nd[bold]e\x1bP1$r\x1b\\f"
    answers = {
        **ANSWERS,
        "apigatewayv2:GetApis": [{"ApiId": "a1", "Name": hostile, "ProtocolType": "HTTP", "ApiEndpoint": hostile}],
        "lambda:GetFunctionConfiguration": {"Environment": {"Variables": {hostile: "x"}}},
    }
    app = CannedApp(tmp_path, CannedAws(answers, alias=hostile))
    async with app.run_test(size=(120, 40)) as pilot:
        await steps.at_discover(pilot)
        shown = steps.text(pilot)
        assert "[bold]e" in shown
        assert not [sign for sign in shown if not sign.isprintable() and sign != "\n"]


# The list of commands


def test_no_key_stands_for_two_commands_of_one_area() -> None:
    for area in {command.area for command in COMMANDS}:
        keys = [key for command in commands(area) for key in command.key.split(",")]
        assert len(keys) == len(set(keys)), area
    assert len({command.id for command in COMMANDS}) == len(COMMANDS)


async def test_a_key_map_moves_a_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "keys.toml").write_text('[app]\nhelp = "f7"\n')
    monkeypatch.setenv("IRIS_MIGRATE_KEYS", str(tmp_path / "keys.toml"))
    app = CannedApp(tmp_path)
    async with app.run_test(size=SIZE) as pilot:
        await steps.at_start(pilot)
        assert (await footer(pilot))["F7"] == "help"
        await pilot.press("f7")
        await steps.until(pilot, lambda: isinstance(app.screen, HelpDialog))


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("[app\n", "cannot be read"),
        ('"app.nothing" = "x"\n', "is no command"),
        ("app.help = 3\n", "wants a key"),
        ('app.help = "q"\n', "would be both"),
    ],
)
def test_a_key_map_that_cannot_be_used_says_why(tmp_path: Path, content: str, says: str) -> None:
    (tmp_path / "keys.toml").write_text(content)
    with pytest.raises(KeyMapError, match=says):
        read_key_map(tmp_path / "keys.toml")


@pytest.mark.parametrize("width", [1, 5, 20, 40, 60, 80, 120, 200])
def test_the_header_fits_and_never_loses_how_serious_it_is(width: int) -> None:
    place = Place("123456789012", "example", "us-east-1", "192.0.2.7", "pinned", destroying=True)
    parts = line(place, "Checklist", "00:12:41", width)
    assert sum(map(len, parts)) <= max(width, len(" DESTROYS "))
    assert parts[0] == " DESTROYS "
    if width >= 120:
        assert "123456789012 (example) · us-east-1 · 192.0.2.7 pinned" in parts[1]
