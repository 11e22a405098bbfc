"""The stub says what the native module is."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def _stubtest(search: Path) -> subprocess.CompletedProcess[str]:
    command = [
        sys.executable,
        "-m",
        "mypy.stubtest",
        "hocket._media",
        "--mypy-config-file",
        str(ROOT / "pyproject.toml"),
    ]
    # Without the search path stubtest finds no stub in an editable install, and passes.
    environment = os.environ | {"MYPYPATH": str(search)}
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=120)


def test_the_stub_agrees_with_the_native_module() -> None:
    outcome = _stubtest(ROOT / "src")
    assert outcome.returncode == 0, outcome.stdout


def test_a_stub_that_promises_more_is_caught(tmp_path: Path) -> None:
    package = tmp_path / "hocket"
    package.mkdir()
    (package / "__init__.py").touch()
    stub = (ROOT / "src/hocket/_media.pyi").read_text()
    (package / "_media.pyi").write_text(
        stub.replace("    def dump(self)", "    def dumb(self) -> int: ...\n    def dump(self)")
    )
    outcome = _stubtest(tmp_path)
    assert outcome.returncode != 0
    assert "hocket._media.Engine.dumb" in outcome.stdout
