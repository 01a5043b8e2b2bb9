"""A small checkout of an editor extension: its endpoint is a literal, not in the file that the plan names."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

USER_AGENT = "iris-vscode/0.4.1"
BUNDLE = Path("packages/iris-vscode/dist/extension.js")

_ENDPOINTS = """\
// Where the extension finds the service.
export const API_BASE_URL = '@OLD@';
export const ANALYZE_PATH = '/api/iris/analyze';
export const TIMEOUT_MS = 15000;
"""
_CLIENT = """\
import { ANALYZE_PATH, API_BASE_URL, TIMEOUT_MS } from '../../iris-vscode/src/config/endpoints';

export interface Analysis {
  file_intent: string;
  responsibility_blocks: { label: string; description: string; ranges: [number, number][] }[];
}

/** Asks the service about one file. The key is the user's setting `iris.apiKey`. */
export async function analyze(payload: object, apiKey: string): Promise<Analysis> {
  const headers: Record<string, string> = { 'Content-Type': 'application/json', 'User-Agent': '@AGENT@' };
  if (apiKey !== '') {
    headers['x-api-key'] = apiKey;
  }
  const response = await fetch(`${API_BASE_URL}${ANALYZE_PATH}`, {
    method: 'POST',
    headers,
    body: JSON.stringify(payload),
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });
  if (!response.ok) {
    throw new Error(`IRIS answered ${response.status}`);
  }
  return (await response.json()) as Analysis;
}
"""
_EXTENSION = """\
import * as vscode from 'vscode';
import { analyze } from '../../iris-core/src/irisClient';

/** Registers the command that analyses the open file. */
export function activate(context: vscode.ExtensionContext): void {
  const run = vscode.commands.registerCommand('iris.analyze', async () => {
    const document = vscode.window.activeTextEditor?.document;
    if (document === undefined) {
      return;
    }
    const apiKey = vscode.workspace.getConfiguration('iris').get<string>('apiKey', '');
    const numbered = document.getText().split('\\n').map((line, at) => `${at + 1} | ${line}`).join('\\n');
    const payload = { filename: document.fileName, language: document.languageId, source_code: numbered };
    const analysis = await analyze(payload, apiKey);
    await vscode.window.showInformationMessage(analysis.file_intent);
  });
  context.subscriptions.push(run);
}
"""
_BUILD = '''\
"""Compiles the extension: checks brackets and imports, and bundles the modules into dist/extension.js."""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent
ENTRY = ROOT / "packages/iris-vscode/src/extension.ts"
BUNDLE = ROOT / "packages/iris-vscode/dist/extension.js"
IMPORT = re.compile(r"^import .* from '([^']+)';$", re.MULTILINE)
PAIRS = {")": "(", "]": "[", "}": "{"}
STRING = re.compile(r"'(?:[^'\\\\\\n]|\\\\.)*'|\\"(?:[^\\"\\\\\\n]|\\\\.)*\\"|`[^`]*`|//[^\\n]*|/\\*.*?\\*/", re.DOTALL)


def fail(path: Path, line: int, message: str) -> None:
    sys.exit(f"{path.relative_to(ROOT)}:{line}: error: {message}")


def check(path: Path, text: str) -> None:
    bare = STRING.sub(lambda match: "\\n" * match.group().count("\\n"), text)
    open_, line = [], 1
    for character in bare:
        line += character == "\\n"
        if character in "([{":
            open_.append((character, line))
        elif character in PAIRS:
            if not open_ or open_.pop()[0] != PAIRS[character]:
                fail(path, line, f"'{character}' closes nothing")
        elif character in "'\\"`":
            fail(path, line, "a string does not end")
    if open_:
        fail(path, open_[-1][1], f"'{open_[-1][0]}' is never closed")


def modules(path: Path, seen: dict) -> dict:
    text = path.read_text(encoding="utf-8")
    check(path, text)
    for match in IMPORT.finditer(text):
        if match.group(1).startswith("."):
            target = (path.parent / match.group(1)).resolve().with_suffix(".ts")
            if not target.is_file():
                fail(path, text[: match.start()].count("\\n") + 1, f"cannot find module '{match.group(1)}'")
            if target not in seen:
                modules(target, seen)
    seen[path] = text
    return seen


bundle = ["'use strict'; // bundled by build.py"]
for module, source in modules(ENTRY, {}).items():
    bundle += [f"// {module.relative_to(ROOT)}", IMPORT.sub("", source).strip()]
BUNDLE.parent.mkdir(exist_ok=True)
BUNDLE.write_text("\\n".join(bundle) + "\\n", encoding="utf-8")
print(f"bundled {BUNDLE.relative_to(ROOT)}")
'''


def make_checkout(folder: Path, old_endpoint: str) -> Path:
    """The checkout, compiled for the old endpoint; its path."""
    package = {
        "name": "iris-vscode",
        "version": USER_AGENT.partition("/")[2],
        "main": "./dist/extension.js",
        "engines": {"vscode": "^1.90.0"},
        "scripts": {"compile": "python3 ../../build.py"},
        "contributes": {"configuration": {"properties": {"iris.apiKey": {"type": "string", "default": ""}}}},
    }
    root = {"name": "iris", "private": True, "workspaces": ["packages/*"]}
    files = {
        "package.json": json.dumps(root, indent=2) + "\n",
        "build.py": _BUILD,
        "README.md": "# The IRIS extension\n\nCompile with `python3 build.py`.\n",
        "packages/iris-vscode/package.json": json.dumps(package, indent=2) + "\n",
        "packages/iris-vscode/src/extension.ts": _EXTENSION,
        "packages/iris-vscode/src/config/endpoints.ts": _ENDPOINTS.replace("@OLD@", old_endpoint),
        "packages/iris-core/src/irisClient.ts": _CLIENT.replace("@AGENT@", USER_AGENT),
    }
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    subprocess.run([*compile_command()], cwd=folder, check=True, capture_output=True, timeout=30)
    return folder


def compile_command() -> tuple[str, ...]:
    """Compiles without npm: by the interpreter that runs the rehearsal."""
    return (sys.executable, "build.py")
