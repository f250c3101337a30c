"""The directions of import, and what a plain `import pcseg` may cost."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[1]
LEVELS = [
    {"_version", "errors", "files", "optional", "archives", "hints", "executor"},
    {"ops", "sparse"},
    {"io", "data"},
    {"sim", "models", "config", "evaluate"},
    {"train"},
    {"methods"},
    {"benchmark"},
    {"viz", "data_prep", "configs"},
    {"cli", "__main__"},
]
"""A part imports from its own level and from those above it in this list."""

LEVEL_OF = {name: level for level, names in enumerate(LEVELS) for name in names}


def modules() -> Iterator[tuple[str, Path]]:
    """(part, file) of the whole package."""
    for path in sorted((REPOSITORY / "pcseg").rglob("*.py")):
        part = path.relative_to(REPOSITORY / "pcseg").parts[0].removesuffix(".py")
        if part != "__init__":
            yield part, path
    for folder in ("viz", "data_prep", "configs"):
        for path in sorted((REPOSITORY / folder).rglob("*.py")):
            yield folder, path


def imported_parts(path: Path) -> Iterator[tuple[int, str]]:
    """(line, part of pcseg) of every import, those inside functions included."""
    for node in ast.walk(ast.parse(path.read_text())):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        for name in names:
            words = name.split(".")
            if words[0] == "pcseg" and len(words) > 1 and words[1] in LEVEL_OF:
                yield node.lineno, words[1]


def test_every_part_has_a_level() -> None:
    assert {part for part, _ in modules()} <= LEVEL_OF.keys()


@pytest.mark.parametrize("part", sorted(LEVEL_OF))
def test_imports_point_downwards(part: str) -> None:
    wrong = [
        f"{path.relative_to(REPOSITORY)}:{line} imports pcseg.{target}"
        for owner, path in modules()
        if owner == part
        for line, target in imported_parts(path)
        if LEVEL_OF[target] > LEVEL_OF[part]
    ]
    assert not wrong


def test_only_the_command_line_imports_the_viewer() -> None:
    users = {
        part for part, path in modules() for _, target in imported_parts(path) if target == "viz"
    }
    assert users <= {"cli", "viz"}


def test_networks_do_not_know_backends() -> None:
    for part, path in modules():
        if part in ("models", "methods"):
            assert "backends" not in path.read_text(), path


def test_no_device_is_assumed() -> None:
    for _, path in modules():
        text = path.read_text()
        assert ".cuda()" not in text, path
        assert "import *" not in text, path


def test_files_stay_small() -> None:
    lengths = {path: len(path.read_text().splitlines()) for _, path in modules()}
    assert not {str(p): n for p, n in lengths.items() if n > 400}


def test_import_is_light() -> None:
    heavy = ("open3d", "torch", "numba", "tensorboard", "trimesh", "scipy")
    code = f"import sys, pcseg; print([m for m in {heavy!r} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("module", ["pcseg.sparse", "pcseg.data", "pcseg.models", "pcseg.cli.main"])
def test_imports_leave_optional_packages_alone(module: str) -> None:
    code = (
        f"import sys, {module}; "
        "print([m for m in ('open3d', 'tensorboard', 'torch._inductor') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_promised_names_are_there() -> None:
    import pcseg

    assert all(getattr(pcseg, name) is not None for name in pcseg.__all__)
    assert set(pcseg.__all__) <= set(dir(pcseg))
    with pytest.raises(AttributeError):
        _ = pcseg.nonsense
