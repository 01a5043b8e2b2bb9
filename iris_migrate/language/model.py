"""The YAML of a checklist as Pydantic models: what may be written, and of which shape."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

DURATION = re.compile(r"^([0-9]+(?:\.[0-9]+)?)(ms|s|m|h|d)$")
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}

Duration = Annotated[str, Field(pattern=DURATION.pattern, examples=["30s", "2m", "1h"])]
Id = Annotated[str, Field(pattern=r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$")]
Lines = Annotated[str, Field(pattern=r"^L[1-9][0-9]*(-L[1-9][0-9]*)?$", examples=["L36-L39", "L44"])]
SettingName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)*$")]
SettingType = Literal["str", "int", "bool", "list", "choice", "path", "port", "cidr", "url", "email", "domain"]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class SettingModel(_Strict):
    """One setting: its type, where its value comes from when nobody gives one, and what is allowed."""

    type: SettingType = "str"
    description: str = Field(min_length=1)
    default: Any = Field(default=None, description="A value, or a template over other settings; none: must be given.")
    example: Any = Field(default=None, description="Shown in forms; used by lint where there is no default.")
    pattern: str = Field(default="", description="Must match the whole value (each item of a list).")
    min: int | None = None
    max: int | None = None
    choices: list[str] = Field(default_factory=list)
    secret: bool = Field(default=False, description="Settings files name only its source: env, file or prompt.")
    discover: str = Field(default="", description="Where a value can be discovered.")
    adopt: str = Field(default="", description="What of a host that was set up by hand tells it: `iris-migrate adopt`.")

    @property
    def has_default(self) -> bool:
        return "default" in self.model_fields_set


class HostModel(_Strict):
    """How the host is reached; every value may be a template."""

    address: str
    instance: str = ""
    user: str = ""
    port: int | str = 22
    key: str = ""
    root: str = ""


class DefaultsModel(_Strict):
    """What steps take that say nothing else."""

    timeout: Duration = "2m"
    retry_every: Duration = "2s"


class ChecklistModel(_Strict):
    """`checklist.yaml`: the name, the settings, how the host is reached, and the files of steps in order."""

    name: Id
    title: str = Field(min_length=1)
    description: str = ""
    settings_from: str = Field(default="", description="Another checklist whose settings (and host) hold here too.")
    settings: dict[SettingName, SettingModel] = Field(default_factory=dict)
    host: HostModel | None = None
    defaults: DefaultsModel = Field(default_factory=DefaultsModel)
    phases: list[str] = Field(min_length=1, description="Files of this folder, in order.")


class WhenModel(_Strict):
    """The stated rule by which a step is left out."""

    that: str | bool = Field(description="A template that is true or false.")
    otherwise: str = Field(min_length=1, description="Why the step does not apply then, as a sentence.")


class StepModel(_Strict):
    """One sentence about the world that should hold."""

    id: Id
    title: str = Field(min_length=1)
    covers: list[Lines] = Field(default_factory=list, description="The lines of docs/plan.md it stands for.")
    why: str = ""
    resource: str = Field(pattern=r"^[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*$", description="`family.name`")
    with_: dict[str, Any] = Field(default_factory=dict, alias="with")
    outputs: list[str] = Field(default_factory=list, description="What other steps may name; none: all of the class.")
    needs: list[Id] = Field(default_factory=list)
    timeout: Duration | None = None
    retry_every: Duration | None = None
    risk: Literal["none", "costs", "interrupts", "destroys"] = "none"
    critical: bool = True
    on_failure: Literal["", "undo"] = ""
    troubleshoot: list[str] = Field(default_factory=list)
    journal: list[str] = Field(default_factory=list, description="Units whose journal belongs to this step.")
    when: WhenModel | None = None


class PhaseModel(_Strict):
    id: str = Field(min_length=1)
    title: str = Field(min_length=1)
    why: str = ""


class PhaseFileModel(_Strict):
    """One file of steps."""

    phase: PhaseModel
    steps: list[StepModel] = Field(min_length=1)


def seconds(duration: str) -> float:
    """`30s`, `2m`, `1h` in seconds. ValueError for anything else."""
    found = DURATION.match(duration)
    if found is None:
        raise ValueError(f"{duration!r} is not a duration; expected for example 30s, 2m or 1h")
    return float(found[1]) * _SECONDS[found[2]]


def plan_lines(covers: list[str]) -> tuple[int, ...]:
    """`L36-L39` and `L44` as line numbers. ValueError when a range runs backwards."""
    lines: dict[int, None] = {}
    for item in covers:
        first, _, last = item.replace("L", "").partition("-")
        start, end = int(first), int(last or first)
        if end < start:
            raise ValueError(f"{item!r} runs backwards; expected L{end}-L{start}")
        lines.update(dict.fromkeys(range(start, end + 1)))
    return tuple(lines)


class ReasonModel(_Strict):
    lines: list[Lines] = Field(min_length=1)
    because: str = Field(min_length=10, description="Why no step stands for these lines, as a sentence.")


class CoverageModel(_Strict):
    """`coverage.yaml`: why some lines of the plan have no step here."""

    also: list[Id] = Field(default_factory=list, description="Checklists whose steps count too.")
    reasons: list[ReasonModel] = Field(default_factory=list)


class FactModel(BaseModel):
    """One thing that can be asked. Beside these keys stand the parameters of its kind."""

    model_config = ConfigDict(extra="allow", strict=True)

    ask: str = Field(description="`host.stat`, `web.tls`, `aws.read`, `step`, `resource`, … (docs/troubleshooting.md).")
    says: str = Field(default="", description="How it is called before people.")
    shows: str = Field(default="", description="JMESPath of what of the answer is worth showing.")


class LookModel(_Strict):
    """A command that only reads, for a person."""

    for_: str = Field(alias="for")
    command: str


class CauseModel(_Strict):
    """A cause, named when every line of `when` is true of the facts and no cause in `unless` is named."""

    id: Id
    cause: str = Field(min_length=1)
    when: list[str] = Field(default_factory=list, description="JMESPath over the facts by name; all must be true.")
    sign: str = Field(
        default="", description="Words that a tool wrote in the change that failed; where no fact can tell."
    )
    unless: list[Id] = Field(default_factory=list, description="Causes that say it better.")
    remedy: str = Field(min_length=1)
    steps: list[Id] = Field(default_factory=list, description="Steps of a checklist that mend it, in any order.")


class SymptomModel(_Strict):
    symptom: str = Field(min_length=1)
    look: list[LookModel] = Field(default_factory=list)
    causes: list[CauseModel] = Field(default_factory=list)
    see: list[Id] = Field(default_factory=list, description="Symptoms of which this one may be a consequence.")


class TroubleshootingModel(_Strict):
    """`troubleshooting.yaml`: what can be asked, and what follows from it."""

    facts: dict[str, FactModel] = Field(default_factory=dict)
    symptoms: dict[Id, SymptomModel]
