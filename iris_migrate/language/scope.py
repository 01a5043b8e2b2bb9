"""What the names in a checklist's templates stand for: settings, the profile, and outputs of steps."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from iris_migrate.language.checklist import SecretSource, SettingValue
from iris_migrate.language.document import Document
from iris_migrate.language.errors import Problem, known
from iris_migrate.language.render import Group, Marker, Renderer, TemplateProblem
from iris_migrate.language.setting_values import Given, secret_source, source_problem, wrong_with
from iris_migrate.language.settings import SettingDeclaration
from iris_migrate.values import Secret, Unresolved, specials

SAMPLES = {
    "int": 1, "port": 1024, "bool": False, "list": (), "cidr": "192.0.2.7/32", "url": "https://example.com/",
    "email": "someone@example.com", "domain": "api.example.com", "path": "/path",
}  # fmt: skip


class AlreadySaid(TemplateProblem):
    """The template needs something whose own problem is reported already."""

    def __init__(self) -> None:
        super().__init__("needs a value that has a problem of its own")


class Scope:
    """Looks names up for the renderer. Problems of settings are collected in two lists: whose fault it is."""

    def __init__(
        self,
        declared: Mapping[str, tuple[SettingDeclaration, Document]],
        given: Mapping[str, Given],
        profiles: Mapping[str, Mapping[str, Any]],
        profiles_file: str,
        *,
        samples: bool = False,
    ) -> None:
        self.renderer = Renderer(self._name)
        self.settings: dict[str, SettingValue] = {}
        self.secrets: dict[str, SecretSource] = {}
        self.checklist_problems: list[Problem] = []
        self.settings_problems: list[Problem] = []
        self.outputs: Callable[[str, str], str] | None = (
            None  # (name, output) -> step id; None: steps mean nothing here
        )
        self._declared = declared
        self._given = given
        self._profiles = profiles
        self._profiles_file = profiles_file
        self._profile: dict[str, Any] = {}
        self._samples = samples
        self._under_way: list[str] = []
        self._failed: set[str] = set()

    def resolve(self) -> None:
        """Settle every setting; what is wrong stands in the two lists."""
        for name in self._declared:
            try:
                self._setting(name)
            except TemplateProblem:
                continue  # stands in a list
        chosen = self.settings.get("os")
        if chosen is not None and self._profiles and chosen.value not in self._profiles:
            given = self._given.get("os", Given(None, "default", self._declared["os"][1].file))
            says = f"no profile {chosen.value!r} in {self._profiles_file}; {known(str(chosen.value), self._profiles)}"
            self.settings_problems.append(Problem(given.file, given.line, "os", says))

    def _name(self, key: str) -> Any:
        if key == "steps":
            return Group("steps", lambda step: Group(f"steps.{step}", lambda output: self._output(step, output)))
        if key == "profile":
            return Group("profile", self._from_profile)
        if key in self._declared:
            return self._setting(key)
        return self._group(key)

    def _group(self, prefix: str) -> Group:
        def find(part: str) -> Any:
            name = f"{prefix}.{part}"
            return self._setting(name) if name in self._declared else self._group(name)

        if any(name.startswith(f"{prefix}.") for name in self._declared):
            return Group(prefix, find)
        raise TemplateProblem(
            f"names nothing: no setting {prefix!r}; {known(prefix, [*self._declared, 'steps', 'profile'])}"
        )

    def _output(self, step: str, output: str) -> Marker:
        if self.outputs is None:
            raise TemplateProblem(f"steps.{step}.{output}: outputs of steps can be named in steps and in `host` only")
        return Marker(Unresolved(self.outputs(step, output), output))

    def _from_profile(self, name: str) -> Any:
        if name in self._profile:
            return self._profile[name]
        chosen = str(self._setting("os")) if "os" in self._declared else ""
        profile = self._profiles.get(chosen)
        if profile is None:
            if chosen and self._profiles:
                raise AlreadySaid
            raise TemplateProblem(
                f"profile.{name}: there are no profiles here; expected a setting os and profiles.yaml"
            )
        if name not in profile:
            where = f"{self._profiles_file}, profile {chosen}"
            raise TemplateProblem(f"names nothing: no {name!r} in {where}; {known(name, profile)}")
        self._enter(f"profile.{name}")
        try:
            self._profile[name] = self._deep(profile[name])
        finally:
            self._under_way.pop()
        return self._profile[name]

    def _deep(self, value: Any) -> Any:
        if isinstance(value, dict):
            return {name: self._deep(item) for name, item in value.items()}
        if isinstance(value, list):
            return tuple(self._deep(item) for item in value)
        return self._plain(value) if isinstance(value, str) else value

    def _plain(self, template: str) -> Any:
        value = self.renderer.value(template)
        if next(specials(value), None) is not None:
            raise TemplateProblem("a setting or a profile can name neither a secret nor an output")
        return value

    def _enter(self, name: str) -> None:
        if name in self._under_way:
            circle = " -> ".join([*self._under_way[self._under_way.index(name) :], name])
            raise TemplateProblem(f"goes in a circle: {circle}")
        self._under_way.append(name)

    def _setting(self, name: str) -> Any:
        if name in self.settings:
            return self.settings[name].value
        if name in self.secrets:
            return Marker(Secret(name))
        if name in self._failed:
            raise AlreadySaid
        declared, document = self._declared[name]
        given = self._given.get(name)
        if declared.secret:
            self._secret(declared, document, given)
            return self._setting(name)
        if given is None:
            self._default(declared, document)
            return self._setting(name)
        if wrong := wrong_with(declared, given.value):
            self._fail(self.settings_problems, name, Problem(given.file, given.line, name, wrong))
        self._settle(name, given.value, given.origin)
        return self.settings[name].value

    def _settle(self, name: str, value: Any, origin: str) -> None:
        self.settings[name] = SettingValue(tuple(value) if isinstance(value, list) else value, origin)

    def _fail(self, problems: list[Problem], name: str, problem: Problem) -> None:
        self._failed.add(name)
        problems.append(problem)
        raise AlreadySaid

    def _default(self, declared: SettingDeclaration, document: Document) -> None:
        name = declared.name
        place = ("settings", name, "default")
        if declared.required:
            if not self._samples:
                says = f"not given, and it has no default: {declared.description}"
                self._fail(self.settings_problems, name, Problem("settings", 0, name, says))
            sample = declared.example if declared.example is not None else SAMPLES.get(declared.type, name)
            self._settle(name, declared.choices[0] if declared.choices else sample, "default")
            return
        self._enter(name)
        try:
            value = self._deep(declared.default)
        except AlreadySaid:
            self._failed.add(name)
            raise
        except TemplateProblem as problem:
            self._fail(self.checklist_problems, name, document.problem(place, problem.says))
        finally:
            self._under_way.pop()
        if wrong := wrong_with(declared, value):
            self._fail(self.checklist_problems, name, document.problem(place, wrong))
        self._settle(name, value, "default")

    def _secret(self, declared: SettingDeclaration, document: Document, given: Given | None) -> None:
        name = declared.name
        value = given.value if given is not None else declared.default
        if value is not None and (wrong := source_problem(value)):
            if given is not None:
                self._fail(self.settings_problems, name, Problem(given.file, given.line, name, wrong))
            self._fail(self.checklist_problems, name, document.problem(("settings", name, "default"), wrong))
        self.secrets[name] = secret_source(declared, value)
