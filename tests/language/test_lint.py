"""Lint says what loading refuses and what the house's rules forbid, wherever in the folder it stands."""

from __future__ import annotations

from pathlib import Path

import pytest

from iris_migrate.language.lint import lint
from iris_migrate.language.scripts import shellcheck

from .conftest import FIXTURES

FIRST = "# yaml-language-server: $schema=../schema.json\n"
HEAD = """\
name: listed
title: Listed
settings:
  app: {description: The name., default: iris}
  domain: {type: domain, description: The public name., default: "", example: api.example.com}
  logs: {type: choice, choices: [journal, files], description: Where logs go., default: journal}
  needed: {description: Has to be given.}
phases: [steps.yaml]
"""


class Listed:
    """A checklist's folder that a test fills with steps and files."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.write("checklist.yaml", FIRST + HEAD)

    def write(self, name: str, content: str) -> None:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)

    def steps(self, *steps: str) -> list[str]:
        """Lint with these steps."""
        lines = "".join(f"  - {{{step}}}\n" for step in steps)
        self.write("steps.yaml", f'{FIRST}phase: {{id: "1", title: One}}\nsteps:\n{lines}')
        return self.problems()

    def problems(self) -> list[str]:
        return [str(problem).replace(f"{self.folder}/", "") for problem in lint(self.folder)]


@pytest.fixture
def listed(tmp_path: Path) -> Listed:
    return Listed(tmp_path / "listed")


def step(step_id: str, resource: str = "sample.thing", name: str = "x", more: str = "") -> str:
    return f'id: {step_id}, title: T, resource: {resource}, with: {{name: "{name}"}}{more}'


def test_nothing_is_said_about_a_good_checklist(listed: Listed) -> None:
    assert listed.steps(step("a", name="{{ needed }}"), step("b", name="{{ steps.a.id }}")) == []
    assert lint(FIXTURES / "small") == []


def test_what_loading_refuses_is_said(listed: Listed) -> None:
    assert listed.steps(step("a", name="{{ ap }}")) == [
        "steps.yaml:4: steps.a.with.name: names nothing: no setting 'ap'; did you mean 'app'?"
    ]


@pytest.mark.parametrize(
    "template",
    [
        "{{ nothing if domain else '' }}",
        "{{ nothing if logs == 'files' else '' }}",
        "{{ nothing if app == 'x' else '' }}",
    ],
)
def test_names_in_branches_that_are_not_taken_are_found(listed: Listed, template: str) -> None:
    (said,) = listed.steps(step("a", name=template))
    assert said.startswith("steps.yaml:4: steps.a.with.name: names nothing: no setting 'nothing'")


def test_a_profile_that_lacks_a_name_is_found(listed: Listed) -> None:
    listed.write("profiles.yaml", "one: {user: a, packages: {base: [x]}}\ntwo: {user: b, packages: {}}\n")
    listed.write("checklist.yaml", FIRST + HEAD.replace("app:", "os: {description: System., default: one}\n  app:"))
    assert listed.steps(step("a", name="{{ profile.user }}")) == []
    said = listed.steps(step("a", name="{{ profile.packages.base | join(' ') }}"))
    assert any("base" in problem for problem in said)
    assert all(problem.startswith("steps.yaml:4: steps.a.with.name: ") for problem in said)


def test_a_line_that_the_plan_does_not_have(listed: Listed) -> None:
    (said,) = listed.steps(step("a", more=", covers: [L9999]"))
    assert said.startswith("steps.yaml:4: steps.a.covers: the plan has no line 9999; its last is ")


def test_at_most_a_tenth_of_the_steps_is_free_shell(listed: Listed) -> None:
    few = [step(f"a{number}") for number in range(18)]
    assert listed.steps(*few, step("free1", "sample.free"), step("free2", "sample.free")) == []
    (said,) = listed.steps(*few[:-1], step("free1", "sample.free"), step("free2", "sample.free"))
    assert said == "checklist.yaml: phases: 2 of 19 steps are free shell, at most 1 may be: free1, free2"


def test_host_steps_do_not_wait_for_each_other_in_a_chain(listed: Listed) -> None:
    host = "sample.on_host"
    one = step("one", host)
    two = step("two", host, "{{ steps.one.id }}")
    assert listed.steps(one, two, step("three", name="{{ steps.two.id }}")) == []
    (said,) = listed.steps(one, two, step("three", host, "{{ steps.two.id }}"))
    assert said.startswith("steps.yaml:6: three: host steps that wait for each other: one -> two -> three;")


def test_a_file_without_its_schema_line(listed: Listed) -> None:
    listed.write("checklist.yaml", HEAD)
    (said,) = listed.steps(step("a"))
    assert said.startswith("checklist.yaml:1: expected the first line `# yaml-language-server: $schema=")


def test_a_file_that_no_step_names(listed: Listed) -> None:
    listed.write("files/old.conf", "x\n")
    assert listed.steps(step("a")) == ["files/old.conf: no step names this file; remove it or name it with {from: …}"]


def test_a_symptom_that_is_not_there(listed: Listed) -> None:
    path = listed.folder.parent / "troubleshooting.yaml"
    path.write_text("symptoms: {slow-start: {symptom: It starts slowly.}}\n")
    assert listed.steps(step("a", more=", troubleshoot: [slow-start]")) == []
    (said,) = listed.steps(step("a", more=", troubleshoot: [slow-strat]"))
    assert "steps.a.troubleshoot.0: no symptom 'slow-strat'" in said
    assert said.endswith("did you mean 'slow-start'?")


@pytest.mark.skipif(shellcheck() is None, reason="shellcheck is not installed")
def test_scripts_go_through_shellcheck_after_rendering(listed: Listed) -> None:
    with_script = "id: a, title: T, resource: sample.thing, with: {name: x, script: {from: files/a.sh}}"
    listed.write("files/a.sh", "set -eu\n{% if app %}\nprintf '%s\\n' '{{ app }}'\n{% endif %}\n")
    assert listed.steps(with_script) == []
    listed.write("files/a.sh", "set -eu\nname=$1-{{ app }}\nrm -f $name\n")
    (said,) = [problem for problem in listed.steps(with_script) if "SC2086" in problem]
    assert said.startswith("files/a.sh:3: SC2086: shellcheck (info): ")


def test_a_broken_folder_is_said_and_does_not_crash(tmp_path: Path) -> None:
    (said,) = lint(tmp_path / "none")
    assert said.says.startswith("there is no such checklist; shipped are: ")
