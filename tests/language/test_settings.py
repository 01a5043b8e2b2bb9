"""Settings: which value wins and from where, what is refused, and that a secret is never more than its source."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from iris_migrate.language.checklist import Checklist, SecretSource, SettingValue
from iris_migrate.language.errors import LanguageError, SettingsError
from iris_migrate.language.load import load
from iris_migrate.language.settings import declarations, locate, write

from .conftest import FIXTURES

Small = Callable[..., Checklist]
SMALL = str(FIXTURES / "small")


def settings(folder: Path, text: str) -> Path:
    path = folder / "settings.yaml"
    path.write_text(text)
    return path


def refused(small: Small, **given: Any) -> str:
    with pytest.raises(SettingsError) as error:
        small(**given)
    return str(error.value)


def test_a_flag_wins_over_the_file_over_what_was_discovered_over_the_default(small: Small, tmp_path: Path) -> None:
    file = settings(tmp_path, "web.port: 81\napp: filed\n")
    loaded = small(settings_file=file, flags={"app": "flagged"}, discovered={"domain": "found.example.com", "app": "x"})
    assert loaded.settings["app"] == SettingValue("flagged", "flag")
    assert loaded.settings["web.port"] == SettingValue(81, "file")
    assert loaded.settings["domain"] == SettingValue("found.example.com", "discovered")
    assert loaded.settings["os"] == SettingValue("plain", "default")


def test_a_default_may_be_a_template_over_other_settings(small: Small) -> None:
    assert small(flags={"host.root": "/r", "app": "a"}).settings["paths.app"] == SettingValue("/r/opt/a", "default")


def test_names_may_be_nested_or_dotted(small: Small, tmp_path: Path) -> None:
    file = settings(tmp_path, "web:\n  port: 81\n  hosts: [c.example.com]\nhost.root: /r\n")
    loaded = small(settings_file=file)
    assert loaded.settings["web.port"].value == 81
    assert loaded.settings["web.hosts"].value == ("c.example.com",)
    assert loaded.settings["host.root"].value == "/r"


def test_a_value_of_a_file_is_data_and_no_template(small: Small, tmp_path: Path) -> None:
    assert small(settings_file=settings(tmp_path, "app: '{{ os }}'\n")).settings["app"].value == "{{ os }}"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("web.port: '80'\n", "settings.yaml:1: web.port: expected a port between 1 and 65535, found '80'"),
        ("app: x\nweb.port: 70000\n", "settings.yaml:2: web.port: expected a port between 1 and 65535, found 70000"),
        ("app: 5\n", "settings.yaml:1: app: expected text, found 5; put it in quotes"),
        ("web:\n  hots: [a]\n", "settings.yaml:2: web.hots: unknown setting; did you mean 'web.hosts'?"),
        ("domian: x\n", "settings.yaml:1: domian: unknown setting; did you mean 'domain'?"),
        ("domain: 'not a name'\n", "settings.yaml:1: domain: 'not a name' does not fit; expected a name like"),
        ("web.hosts: a\n", "settings.yaml:1: web.hosts: expected a list of texts, found 'a'"),
        ("- a list\n", "settings.yaml:1: expected settings by name"),
        ("a: [\n", "settings.yaml:2: not valid YAML"),
        ('app: "a\\u001b[31mb"\n', "settings.yaml:1: app: control characters are not allowed"),
        ("api_key: {env: 'NOT A NAME'}\n", "settings.yaml:1: api_key: expected the name of an environment variable"),
        ("api_key: {prompt: false}\n", "settings.yaml:1: api_key: expected {prompt: true}"),
    ],
)
def test_a_value_that_does_not_fit_is_refused_with_its_place(
    small: Small, tmp_path: Path, text: str, says: str
) -> None:
    assert says in refused(small, settings_file=settings(tmp_path, text))


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("web.port", "eighty", "command line: web.port: expected a whole number"),
        ("nothing", "1", "command line: nothing: unknown setting"),
        ("web.hosts", "[1]", "command line: web.hosts: expected a list of texts"),
        ("web.hosts", "[", "command line: web.hosts: expected a list: a,b,c or a JSON list"),
    ],
)
def test_a_flag_that_does_not_fit_is_refused(small: Small, name: str, text: str, says: str) -> None:
    assert says in refused(small, flags={name: text})


def test_a_flag_is_read_as_its_type(small: Small) -> None:
    loaded = small(flags={"web.port": "8443", "web.hosts": "a.example.com, b.example.com"})
    assert loaded.settings["web.port"].value == 8443
    assert loaded.settings["web.hosts"].value == ("a.example.com", "b.example.com")


@pytest.mark.parametrize("text", ["api_key: sk-plain-secret\n", "api_key: {value: sk-plain-secret}\n"])
def test_a_secret_in_a_file_is_refused_and_not_repeated(small: Small, tmp_path: Path, text: str) -> None:
    message = refused(small, settings_file=settings(tmp_path, text))
    assert "a secret is only named here by its source: {env: NAME}, {file: path} or {prompt: true}" in message
    assert "sk-plain-secret" not in message


def test_a_secret_on_the_command_line_is_refused_and_not_repeated(small: Small) -> None:
    message = refused(small, flags={"api_key": "sk-plain-secret"})
    assert "only named here by its source" in message
    assert "sk-plain" not in message


@pytest.mark.parametrize(
    ("given", "how", "where"),
    [
        ({"flags": {"api_key": "env:KEY"}}, "env", "KEY"),
        ({"text": "api_key: {env: KEY}\n"}, "env", "KEY"),
        ({"text": "api_key: {prompt: true}\n"}, "prompt", "The key."),
        ({"text": "api_key: {prompt: Which key?}\n"}, "prompt", "Which key?"),
        ({}, "prompt", "The key."),
    ],
)
def test_where_a_secret_comes_from(small: Small, tmp_path: Path, given: dict[str, Any], how: str, where: str) -> None:
    if "text" in given:
        given = {"settings_file": settings(tmp_path, given["text"])}
    assert small(**given).secrets["api_key"] == SecretSource("api_key", how, where)


def test_a_secret_file_that_others_can_read_is_refused_even_when_the_checklist_is_cached(
    small: Small, tmp_path: Path
) -> None:
    key = tmp_path / "key"
    key.write_text("value of the key")
    key.chmod(0o600)
    file = settings(tmp_path, f"api_key: {{file: {key}}}\n")
    assert small(settings_file=file).secrets["api_key"].where == str(key)
    key.chmod(0o644)
    message = refused(small, settings_file=file)
    assert f"{key} can be read by others (mode 0644); run: chmod 600 {key}" in message


def test_one_file_serves_the_checklists_that_lie_side_by_side(tmp_path: Path) -> None:
    for name, setting in (("one", "first"), ("two", "second")):
        folder = tmp_path / "lists" / name
        folder.mkdir(parents=True)
        head = f"name: {name}\ntitle: T\nsettings: {{{setting}: {{description: D., default: x}}}}\nphases: [s.yaml]\n"
        (folder / "checklist.yaml").write_text(head)
        (folder / "s.yaml").write_text(
            "phase: {id: '1', title: P}\nsteps: [{id: a, title: A, resource: sample.thing, with: {name: x}}]\n"
        )
    file = settings(tmp_path, "first: a\nsecond: b\n")
    loaded = load(str(tmp_path / "lists" / "one"), settings_file=file, cache=tmp_path / "compiled")
    assert {name: value.value for name, value in loaded.settings.items()} == {"first": "a"}
    with pytest.raises(LanguageError, match="third: unknown setting"):
        load(str(tmp_path / "lists" / "one"), settings_file=settings(tmp_path, "third: c\n"), cache=tmp_path / "c")


def test_a_setting_without_a_default_must_be_given(tmp_path: Path) -> None:
    folder = tmp_path / "list"
    folder.mkdir()
    (folder / "checklist.yaml").write_text(
        "name: list\ntitle: T\nsettings: {app: {description: The name of it.}}\nphases: [s.yaml]\n"
    )
    (folder / "s.yaml").write_text(
        "phase: {id: '1', title: P}\nsteps: [{id: a, title: A, resource: sample.thing, with: {name: '{{ app }}'}}]\n"
    )
    with pytest.raises(SettingsError, match="app: not given, and it has no default: The name of it"):
        load(str(folder), cache=tmp_path / "compiled")
    assert load(str(folder), flags={"app": "x"}, cache=tmp_path / "compiled").step("a").with_ == {"name": "x"}


def test_declarations_tell_forms_what_there_is() -> None:
    declared = {item.name: item for item in declarations(SMALL)}
    assert next(iter(declared)) == "app"
    assert (declared["web.port"].type, declared["web.port"].default) == ("port", 80)
    assert declared["api_key"].secret
    assert not declared["api_key"].required


def test_what_is_written_is_read_back(small: Small, tmp_path: Path) -> None:
    path = tmp_path / "sub" / "iris-migrate.yaml"
    values = {"app": "0755", "web.port": 81, "web.hosts": ("a.example.com",), "api_key": {"env": "KEY"}, "os": "yes"}
    write(path, values, declarations(SMALL))
    assert "iris-migrate.yaml:16: os: no profile 'yes' in" in refused(small, settings_file=path)
    write(path, {**values, "os": "other"}, declarations(SMALL))
    loaded = small(settings_file=path)
    assert {name: loaded.settings[name].value for name in ("app", "web.port", "web.hosts")} == {
        "app": "0755",
        "web.port": 81,
        "web.hosts": ("a.example.com",),
    }
    assert loaded.secrets["api_key"].where == "KEY"
    assert [item.name for item in path.parent.iterdir()] == ["iris-migrate.yaml"]


def test_a_secret_value_is_never_written(tmp_path: Path) -> None:
    path = tmp_path / "iris-migrate.yaml"
    with pytest.raises(ValueError, match="only named here by its source") as error:
        write(path, {"api_key": "sk-plain-secret"}, declarations(SMALL))
    assert "sk-plain" not in str(error.value)
    with pytest.raises(ValueError, match="not a setting"):
        write(path, {"nothing": 1}, declarations(SMALL))
    assert not path.exists()


def test_where_a_settings_file_is_looked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert locate(None, {}) is None
    personal = tmp_path / "config" / "iris-migrate" / "settings.yaml"
    personal.parent.mkdir(parents=True)
    personal.write_text("{}")
    assert locate(None, {}) == personal
    (tmp_path / "iris-migrate.yaml").write_text("{}")
    assert locate(None, {}) == Path("iris-migrate.yaml")
    assert locate(None, {"IRIS_MIGRATE_SETTINGS": "/elsewhere"}) == Path("/elsewhere")
    assert locate(Path("named.yaml"), {"IRIS_MIGRATE_SETTINGS": "/elsewhere"}) == Path("named.yaml")


def test_a_named_file_that_is_not_there_is_refused(small: Small, tmp_path: Path) -> None:
    assert "none.yaml: there is no such file" in refused(small, settings_file=tmp_path / "none.yaml")
