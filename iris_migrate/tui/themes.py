"""The themes: dark, light, high contrast, and the terminal's own colours. State is never told by colour alone."""

from __future__ import annotations

import os
from collections.abc import Mapping

from textual.theme import Theme

THEMES = (
    Theme(
        name="dark", primary="#8f9bff", secondary="#5f6bd0", accent="#5ad1c8", foreground="#e3e5ef",
        background="#11131a", surface="#171a23", panel="#222632", success="#63d297", warning="#f2bd5a",
        error="#ff7a7a", dark=True,
        variables={"footer-key-foreground": "#a9b3ff", "footer-description-foreground": "#c6cad9"},
    ),
    Theme(
        name="light", primary="#3d3fb3", secondary="#5a5cc9", accent="#00696f", foreground="#1b1c24",
        background="#fbfbfe", surface="#f2f2f8", panel="#e3e4f0", success="#0d6b39", warning="#855300",
        error="#ae1c28", dark=False,
        variables={"footer-key-foreground": "#3d3fb3", "footer-description-foreground": "#33353f"},
    ),
    Theme(
        name="contrast", primary="#ffff00", secondary="#00ffff", accent="#00ffff", foreground="#ffffff",
        background="#000000", surface="#000000", panel="#000000", success="#00ff00", warning="#ffff00",
        error="#ff8080", dark=True, text_alpha=1.0,
        variables={
            "footer-key-foreground": "#ffff00", "footer-description-foreground": "#ffffff", "border": "#ffffff",
            "border-blurred": "#ffffff",
        },
    ),
)  # fmt: skip
NAMES = ("dark", "light", "contrast", "ansi-dark", "ansi-light")


def chosen(asked: str, environment: Mapping[str, str] = os.environ) -> str:
    """The theme to begin with: the one asked for, IRIS_MIGRATE_THEME, else dark. An unknown name is dark."""
    name = asked or environment.get("IRIS_MIGRATE_THEME", "")
    return name if name in NAMES else "dark"


def after(name: str) -> str:
    """The theme that follows."""
    return NAMES[(NAMES.index(name) + 1) % len(NAMES)] if name in NAMES else NAMES[0]
