"""Holds the shape of the tree: what lies at the top, how long a file is, what no file names, how a
header begins, that every test is registered and that none of them sleeps."""

import json
import os
import pathlib
import re

import harness

TOP = {
    "CMakeLists.txt", "CMakePresets.json", "supervisor", "worker", "common", "tests", "systemd",
    "docs", "script", "README.md", "README.ko.md", "LICENSE", "CHANGELOG.md", "CONTRIBUTING.md",
}
MOST_LINES = 300
LONG_SUFFIXES = (".cpp", ".h", ".c", ".py", ".sh", ".js", ".mjs", ".css")
TEST_DIRECTORIES = ("unit", "integration", "chaos", "e2e")
MAY_SLEEP = "tests/support/wait.h"  # polls with a deadline, in one place

# One character of each word in brackets: so this file does not name what it forbids.
MACHINE_PATH = re.compile(r"(?<![\w.$}~-])/(?:wor[k]/|roo[t]/|hom[e]/(?!you\b)\w)")
REGISTRY = re.compile(r"registry\.npm[j]s|deb\.debia[n]\.org|pypi\.or[g]")
SLEEP = re.compile(r"\b(?:sleep_for|sleep_until)\b|\b(?:u|nano)?sleep\s*\(")


def check_top(paths):
    for path in paths:
        top = path.split("/")[0]
        if top not in TOP and not top.startswith("."):
            yield f"{path}:1: {top} has no place at the top level"


def check_length(root, paths):
    decisions = "".join(
        (root / path).read_text() for path in paths
        if path.startswith("docs/decisions/") and path.endswith(".md"))
    for path in paths:
        if not path.endswith(LONG_SUFFIXES) and not path.startswith("script/"):
            continue
        count = len(harness.lines(root, path))
        named = re.search(rf"(?<![\w./-]){re.escape(path)}(?![\w/-])", decisions)
        if count > MOST_LINES and not named:
            yield (f"{path}:{MOST_LINES + 1}: {count} lines, {MOST_LINES} at most unless a page in "
                   "docs/decisions/ names the file and says why")


def check_words(root, paths):
    for path in paths:
        for number, text in harness.lines(root, path):
            if MACHINE_PATH.search(text):
                yield f"{path}:{number}: names a path of one machine"
            if REGISTRY.search(text):
                yield f"{path}:{number}: names the host of a package registry"


def check_package_locks(root, paths):
    for path in paths:
        if os.path.basename(path) == "package-lock.json":
            for number, text in harness.lines(root, path):
                if '"resolved"' in text:
                    yield f"{path}:{number}: records where a package was fetched from"
                    break


def check_headers(root, paths):
    for path in paths:
        if not path.endswith(".h"):
            continue
        content = [text for _, text in harness.lines(root, path)]
        if path.split("/")[0] in harness.COMPONENTS and not (content or [""])[0].startswith("//"):
            yield f"{path}:1: does not begin with a comment that says what it is for"
        if "#pragma once" not in content:
            yield f"{path}:1: no #pragma once"


def unroll(text):
    """CMake text with its plain foreach loops, which are not nested, written out."""
    def body(loop):
        variable, *values = loop.group(1).split()
        return "".join(loop.group(2).replace(f"${{{variable}}}", value) for value in values)

    return re.sub(r"\bforeach\s*\(([^)]+)\)(.*?)\bendforeach\s*\(\)", body, text, flags=re.S)


def registered(root, paths):
    """Every path that a CMake file below tests/ mentions, seen from where that file is included."""
    found = set()
    for path in paths:
        if not path.startswith("tests/") or not path.endswith((".cmake", "CMakeLists.txt")):
            continue
        text = unroll(re.sub(r"#.*", "", (root / path).read_text()))
        for word in re.findall(r"[\w./-]+\.\w+", text.replace("${CMAKE_CURRENT_SOURCE_DIR}/", "")):
            for base in ("tests", os.path.dirname(path)):
                found.add(os.path.normpath(os.path.join(base, word)))
    return found


def is_part_of_a_test(root, path, is_test):
    """Not the programs that a test runs: a simulator or a worker may well sleep."""
    if path.split("/")[1] in TEST_DIRECTORIES:
        return is_test or path.endswith(".h")
    helper = path.startswith("tests/support/") and (root / path).with_suffix(".h").exists()
    return helper and path != MAY_SLEEP


def check_tests(root, paths):
    known = registered(root, paths)
    for path in paths:
        parts = path.split("/")
        if parts[0] != "tests" or len(parts) < 3:
            continue
        name = pathlib.PurePath(path)
        is_test = name.suffix == ".cpp" or name.stem.endswith("_test")
        if parts[1] in TEST_DIRECTORIES and is_test and path not in known:
            yield f"{path}:1: no CMake file below tests/ registers it"
        if not is_part_of_a_test(root, path, is_test):
            continue
        for number, text in harness.lines(root, path):
            if SLEEP.search(text):
                yield f"{path}:{number}: sleeps; wait for something to happen ({MAY_SLEEP})"


def check(root):
    root = pathlib.Path(root)
    paths = harness.tracked(root)
    return [*check_top(paths), *check_length(root, paths), *check_words(root, paths),
            *check_package_locks(root, paths), *check_headers(root, paths),
            *check_tests(root, paths)]


GOOD_HEADER = "// what it is for\n#pragma once\n"
LONG = "x\n" * (MOST_LINES + 1)
PLANTED = {
    "README.md": "see /var/lib/x, https://example.org/wor" + "k/shop and /hom" + "e/you/x\n",
    "notes.txt": "",
    ".ci/run": "#!/bin/sh\n",
    "docs/a.md": "fine\ncd /wor" + "k/main\n",
    "docs/b.md": "fetch deb.debia" + "n.org/x\n",
    "docs/c.md": "rm -r '/hom" + "e/alice/x'\nls /roo" + "t/x\n",
    "docs/long.md": LONG,
    "docs/decisions/0001-length.md": "`common/reasoned.h` is a table.\n",
    "common/long.h": GOOD_HEADER + LONG,
    "common/reasoned.h": GOOD_HEADER + LONG,
    "common/bare.h": "#pragma once\n",
    "common/twice.h": "// what it is for\n",
    "script/long": LONG,
    "worker/page/long.js": LONG,
    "tests/e2e/package-lock.json": json.dumps({"packages": {"x": {"resolved": "there"}}}, indent=1),
    "tests/a.cmake": "oneloop_test(unit/a_test.cpp)\n# oneloop_test(unit/c_test.cpp)\n"
                     "foreach(t d e)\n  oneloop_test(unit/${t}_test.cpp)\nendforeach()\n",
    "tests/e2e/CMakeLists.txt": "add_test(NAME x COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/x_test.py)\n",
    "tests/unit/a_test.cpp": "int a = asleep(1);\nstd::this_thread::sleep_f" + "or(1s);\n",
    "tests/unit/b_test.cpp": "",
    "tests/unit/c_test.cpp": "",
    "tests/unit/d_test.cpp": "",
    "tests/unit/f_test.cpp": "",
    "tests/e2e/x_test.py": "import time\n\ntime.slee" + "p(1)\n",
    "tests/e2e/y_test.py": "",
    "tests/e2e/fixture.py": "time.slee" + "p(1)\n",
    "tests/support/wait.h": GOOD_HEADER + "usleep(1000);\n",
    "tests/support/other.h": GOOD_HEADER,
    "tests/support/other.cpp": "usleep(1000);\n",
    "tests/support/program.cpp": "usleep(1000);\n",
}
EXPECTED = [
    "notes.txt:1:", "docs/a.md:2:", "docs/b.md:1:", "docs/c.md:1:", "docs/c.md:2:",
    f"common/long.h:{MOST_LINES + 1}:", f"script/long:{MOST_LINES + 1}:", f"worker/page/long.js:{MOST_LINES + 1}:",
    "common/bare.h:1:",
    "common/twice.h:1:", "tests/e2e/package-lock.json:4:", "tests/unit/a_test.cpp:2:",
    "tests/unit/b_test.cpp:1:", "tests/unit/c_test.cpp:1:", "tests/unit/f_test.cpp:1:",
    "tests/e2e/x_test.py:3:",
    "tests/e2e/y_test.py:1:", "tests/support/other.cpp:1:",
]

if __name__ == "__main__":
    harness.run(check, PLANTED, EXPECTED)
