"""The footer: the keys that work now, in one line that is drawn anew only when they change."""

from __future__ import annotations

from typing import Any

from textual import events
from textual.app import RenderResult
from textual.content import Content
from textual.screen import Screen
from textual.widget import Widget

from iris_migrate.tui.commands import COMMANDS

Key = tuple[str, str, str]  # the key, its name, what it does
WIDE = {command.id: command.wide for command in COMMANDS}


class KeyLine(Widget):
    """Names key and command. Where there is no room for all, those that work everywhere stay.

    Textual's own footer makes a widget for each key, and all of them again whenever one may have changed: on a
    checklist that was a third of the first frame and most of what a key press cost.
    """

    DEFAULT_CSS = """
    KeyLine { dock: bottom; height: 1; background: $footer-background; color: $footer-foreground; }
    """
    ALLOW_SELECT = False

    def __init__(self) -> None:
        super().__init__()
        self._keys: tuple[Key, ...] = ()
        self._wide: tuple[Key, ...] = ()  # with all words, and more of them
        self._everywhere = 0

    @property
    def named(self) -> dict[str, str]:
        """What each key that is named does, by the key's name."""
        return {name: words for _, name, words in self._keys}

    def on_mount(self) -> None:
        self.screen.bindings_updated_signal.subscribe(self, self._changed)

    def _changed(self, screen: Screen[Any]) -> None:
        shown: dict[str, Key] = {}
        wide: dict[str, Key] = {}
        for _, binding, enabled, _ in screen.active_bindings.values():
            if not enabled or binding.action in wide:
                continue
            name, words = self.app.get_key_display(binding), WIDE.get(binding.id or "", "")
            if binding.show:
                shown[binding.action] = binding.key, name, binding.description
            if binding.show or words:
                wide[binding.action] = binding.key, name, words or binding.description
        keys = tuple(shown.values()), tuple(wide.values())
        if keys != (self._keys, self._wide):
            self._everywhere = sum(action.startswith("app.") for action in shown)
            self._keys, self._wide = keys
            self.refresh()

    def _fitting(self) -> list[Key]:
        """The keys for which there is room: the last of the screen's own go first, but never the way back."""
        if sum(map(_width, self._wide)) <= self.size.width:
            return list(self._wide)
        kept = list(self._keys)
        here = len(kept) - self._everywhere if kept else 0
        for at in range(here - 1, -1, -1):
            if sum(map(_width, kept)) <= self.size.width:
                break
            if kept[at][0] != "escape":
                del kept[at]
        return kept

    def render(self) -> RenderResult:
        parts = []
        for _, name, words in self._fitting():
            parts += [(f" {name} ", "bold $footer-key-foreground"), (f"{words} ", "$footer-description-foreground")]
        return Content.assemble(*parts)

    def on_click(self, event: events.Click) -> None:
        at = 0
        for key, name, words in self._fitting():
            at += _width((key, name, words))
            if event.x < at:
                self.app.simulate_key(key)
                return


def _width(key: Key) -> int:
    return len(key[1]) + len(key[2]) + 3
