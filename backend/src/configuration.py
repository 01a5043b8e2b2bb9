"""Everything that can be set, read once from the environment and checked before the first request."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

VERSION = "1.0.0"
BACKEND = Path(__file__).resolve().parent.parent

Number = TypeVar("Number", int, float)


class ConfigurationError(ValueError):
    """A setting cannot be used; the message names it and says what would do."""


@dataclass(frozen=True)
class ModelSettings:
    """How the model is reached and what it costs (dollars per million tokens)."""

    api_key: str | None = field(default=None, repr=False)
    base_url: str | None = None
    name: str = "gpt-5-nano-2025-08-07"
    effort: str = "minimal"
    timeout: float = 100.0
    retries: int = 2
    slots: int = 8
    max_output_tokens: int = 16_000
    input_price: float = 0.05
    output_price: float = 0.40


@dataclass(frozen=True)
class CacheSettings:
    """Where answers are kept, for how long, and how many bytes they may take."""

    directory: Path = BACKEND / ".iris" / "cache"
    url: str | None = field(default=None, repr=False)
    ttl_days: float = 30.0
    max_bytes: int = 512 * 1024 * 1024
    front_entries: int = 512

    @property
    def ttl(self) -> float:
        """Time to live in seconds."""
        return self.ttl_days * 86_400


@dataclass(frozen=True)
class AccessSettings:
    """Who may ask, how often, and from behind how many proxies."""

    keys: tuple[str, ...] = field(default=(), repr=False)
    open_to_all: bool = False
    key_limit: str = "120 per minute"
    address_limit: str = "240 per minute"
    trusted_proxies: int = 1
    cors_origins: tuple[str, ...] = ()
    max_body: int = 1024 * 1024

    @property
    def closed(self) -> bool:
        """No key is set and nobody said that this is meant."""
        return not self.keys and not self.open_to_all


@dataclass(frozen=True)
class Settings:
    """One immutable value for the whole process."""

    model: ModelSettings = ModelSettings()
    cache: CacheSettings = CacheSettings()
    access: AccessSettings = AccessSettings()
    threads: int = 64
    commit: str | None = None
    flask_env_set: bool = False

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> Settings:
        """Read the variables of `README.md`; a value that cannot be used is refused by name."""
        return cls(
            model=_model(environ),
            cache=_cache(environ),
            access=_access(environ),
            threads=_number(environ, "IRIS_THREADS", 64, int, at_least=4),
            commit=_text(environ, "IRIS_COMMIT") or _checked_out_commit(BACKEND),
            flask_env_set=bool(environ.get("FLASK_ENV")),
        )


def _model(environ: Mapping[str, str]) -> ModelSettings:
    usual = ModelSettings()
    return ModelSettings(
        api_key=_text(environ, "OPENAI_API_KEY"),
        base_url=_text(environ, "OPENAI_BASE_URL"),
        name=_text(environ, "IRIS_MODEL") or usual.name,
        effort=_text(environ, "IRIS_MODEL_EFFORT") or usual.effort,
        timeout=_number(environ, "IRIS_MODEL_TIMEOUT", usual.timeout, float, at_least=0.1),
        retries=_number(environ, "IRIS_MODEL_RETRIES", usual.retries, int, at_least=0),
        slots=_number(environ, "IRIS_MODEL_SLOTS", usual.slots, int, at_least=1),
        max_output_tokens=_number(environ, "IRIS_MODEL_MAX_OUTPUT", usual.max_output_tokens, int, at_least=16),
        input_price=_number(environ, "IRIS_PRICE_INPUT", usual.input_price, float, at_least=0),
        output_price=_number(environ, "IRIS_PRICE_OUTPUT", usual.output_price, float, at_least=0),
    )


def _cache(environ: Mapping[str, str]) -> CacheSettings:
    usual = CacheSettings()
    url = _text(environ, "CACHE_URL")
    if url and not url.startswith(("redis://", "rediss://", "unix://")):
        raise ConfigurationError("CACHE_URL must start with redis://, rediss:// or unix://.")
    directory = _text(environ, "CACHE_DIR")
    return CacheSettings(
        directory=Path(directory).expanduser().absolute() if directory else usual.directory,
        url=url,
        ttl_days=_number(environ, "CACHE_TTL_DAYS", usual.ttl_days, float, at_least=0.00001),
        max_bytes=_number(environ, "CACHE_MAX_MB", 512, int, at_least=1) * 1024 * 1024,
        front_entries=_number(environ, "IRIS_FRONT_ENTRIES", usual.front_entries, int, at_least=0),
    )


def _access(environ: Mapping[str, str]) -> AccessSettings:
    usual = AccessSettings()
    auth = (_text(environ, "IRIS_AUTH") or "on").lower()
    if auth not in {"on", "off"}:
        raise ConfigurationError("IRIS_AUTH must be on or off.")
    return AccessSettings(
        keys=_list(environ, "IRIS_API_KEY"),
        open_to_all=auth == "off",
        key_limit=_text(environ, "IRIS_KEY_LIMIT") or usual.key_limit,
        address_limit=_text(environ, "IRIS_ADDRESS_LIMIT") or usual.address_limit,
        trusted_proxies=_number(environ, "IRIS_TRUSTED_PROXIES", usual.trusted_proxies, int, at_least=0),
        cors_origins=_list(environ, "IRIS_CORS_ORIGINS"),
        max_body=_number(environ, "IRIS_MAX_BODY", usual.max_body, int, at_least=1024),
    )


def _text(environ: Mapping[str, str], name: str) -> str | None:
    return environ.get(name, "").strip() or None


def _list(environ: Mapping[str, str], name: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in environ.get(name, "").split(",") if part.strip())


def _number(
    environ: Mapping[str, str], name: str, usual: Number, kind: Callable[[str], Number], *, at_least: float
) -> Number:
    text = _text(environ, name)
    if text is None:
        return usual
    try:
        value = kind(text)
    except ValueError as error:
        raise ConfigurationError(f"{name} must be a number.") from error
    if not at_least <= value < float("inf"):
        raise ConfigurationError(f"{name} must be a finite number of at least {at_least:g}.")
    return value


def _checked_out_commit(folder: Path) -> str | None:
    """The commit of the checkout around `folder`, read from two small files; None without one."""
    for place in (folder, folder.parent):
        git = place / ".git"
        try:
            head = (git / "HEAD").read_text(encoding="ascii").strip()
            if not head.startswith("ref: "):
                return head
            return (git / head.removeprefix("ref: ")).read_text(encoding="ascii").strip()
        except (OSError, ValueError):
            continue
    return None
