"""Holds that clang-format has nothing to say. Without clang-format it fails: a test that is skipped
where the tool is missing holds nothing there."""

import pathlib
import re
import subprocess
import sys

import harness

SUFFIXES = (".cpp", ".h", ".c")


def check(root):
    paths = [path for path in harness.tracked(root) if path.endswith(SUFFIXES)]
    if not paths:
        return []
    try:
        done = subprocess.run(["clang-format", "--dry-run", "-Werror", "--", *paths], cwd=root,
                              capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return [".clang-format:1: clang-format is not installed; script/bootstrap installs it"]
    findings = [line for line in done.stderr.splitlines() if re.match(r"[^ ].*:\d+:\d+: ", line)]
    if done.returncode != 0 and not findings:
        findings = [f".clang-format:1: clang-format failed: {done.stderr.strip()}"]
    return findings


def planted():
    style = (pathlib.Path(sys.argv[1]) / ".clang-format").read_text()
    return {".clang-format": style, "common/good.cpp": "int good = 1;\n",
            "common/bad.cpp": "int good = 1;\nint   bad=2;\n", "docs/bad.txt": "int   bad=2;\n"}


if __name__ == "__main__":
    harness.run(check, planted(), ["common/bad.cpp:2:"])
