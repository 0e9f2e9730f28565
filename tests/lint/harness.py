"""What the lint tests share: the files of a tree, includes and CMake targets, and the run itself.

A check is a function from the root of a tree to a list of findings, "file:line: reason". Before it
is trusted with the real tree it has to pass its own control: a small tree with planted violations,
of which it must find every one, and no other.
"""

import os
import pathlib
import re
import subprocess
import sys
import tempfile

INCLUDE = re.compile(r'^\s*#\s*include\s*(["<])([^">]+)[">]')
COMPONENTS = ("common", "supervisor", "worker")


def tracked(root):
    """Paths of the tree's files: git's list, or of a tree without git everything there is."""
    root = pathlib.Path(root)
    if (root / ".git").exists():
        listing = subprocess.run(
            ["git", "-c", "safe.directory=*", "-C", str(root), "ls-files", "-z"],
            check=True, capture_output=True).stdout.decode()
        paths = [path for path in listing.split("\0") if path]
    else:
        paths = [str(path.relative_to(root)) for path in root.rglob("*")]
    return sorted(path for path in paths if (root / path).is_file())


def sources(root, suffixes=(".cpp", ".h", ".c")):
    """Sources of the three components, tracked or not: a file is checked before it is committed."""
    root = pathlib.Path(root)
    return sorted(str(path.relative_to(root)) for component in COMPONENTS
                  for path in (root / component).rglob("*") if path.suffix in suffixes)


def lines(root, path):
    """(number, text) of a file, or nothing when it is not text."""
    data = (pathlib.Path(root) / path).read_bytes()
    if b"\0" in data:
        return []
    return list(enumerate(data.decode(errors="replace").splitlines(), 1))


def includes(root, path):
    """(line, is it in quotes, what) of every #include."""
    for number, text in lines(root, path):
        found = INCLUDE.match(text)
        if found:
            yield number, found.group(1) == '"', found.group(2)


def unit(path):
    """supervisor/brain.h and supervisor/brain.cpp are one unit: supervisor/brain."""
    return os.path.splitext(path)[0]


def target_units(root, component, target):
    """The units of a library as the component's CMakeLists.txt defines it."""
    path = pathlib.Path(root) / component / "CMakeLists.txt"
    text = re.sub(r"#.*", "", path.read_text()) if path.exists() else ""
    names = []
    for body in re.findall(
            rf"\b(?:add_library|target_sources)\s*\(\s*{target}\b([^)]*)\)", text):
        names += [word for word in body.split() if word.endswith((".cpp", ".h"))]
    return {unit(f"{component}/{name}") for name in names}


def plant(root, files):
    for name, text in files.items():
        path = pathlib.Path(root) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def control(check, files, expected):
    """Complaints about the check itself. `expected`: the start of each finding it has to make."""
    with tempfile.TemporaryDirectory() as root:
        plant(root, files)
        found = check(root)
    complaints = [f"control: not found: {start}" for start in expected
                  if not any(finding.startswith(start) for finding in found)]
    complaints += [f"control: found without reason: {finding}" for finding in found
                   if not any(finding.startswith(start) for start in expected)]
    return complaints


def run(check, files, expected):
    """The whole test: control, then the tree that is named on the command line."""
    problems = control(check, files, expected)
    if not problems:
        problems = check(sys.argv[1])
    for problem in problems:
        print(problem)
    print(f"{len(problems)} finding{'' if len(problems) == 1 else 's'}, "
          f"{len(expected)} planted ones found")
    sys.exit(1 if problems else 0)
