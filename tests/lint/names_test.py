"""A test that a document names exists: `Suite.Test` and `Suite.*` of the documents that promise
something and say what shows it."""

import pathlib
import re

import harness

DOCUMENTS = ("README.md", "README.ko.md", "docs/architecture.md", "docs/guarantees.md",
             "docs/testing.md", "docs/decisions")
# In backquotes, as the documents write it; what follows a slash is a parameter.
NAMED = re.compile(r"`([A-Z]\w*)\.(\*|[A-Za-z]\w*)(?:/[\w*/]+)?`")
DEFINED = re.compile(r"^\s*TEST(?:_F|_P)?\(\s*(\w+)\s*,\s*(\w+)\s*\)", re.MULTILINE)
FILES = {"md", "py", "cpp", "h", "txt", "json", "toml", "service", "log", "lock"}  # `README.md` is no test


def documents(root):
    for path in DOCUMENTS:
        if (root / path).is_dir():
            yield from sorted((root / path).rglob("*.md"))
        elif (root / path).exists():
            yield root / path


def check(root):
    root = pathlib.Path(root)
    tests = set()
    for path in sorted((root / "tests").rglob("*.cpp")):
        tests |= set(DEFINED.findall(path.read_text()))
    suites = {suite for suite, _ in tests}
    findings = []
    for path in documents(root):
        name = path.relative_to(root)
        for number, text in harness.lines(root, name):
            for suite, test in NAMED.findall(text):
                if test in FILES:
                    continue
                there = suite in suites if test == "*" else (suite, test) in tests
                if not there:
                    findings.append(f"{name}:{number}: no test is named {suite}.{test}")
    # Each row of the guarantees says what shows it.
    for number, text in harness.lines(root, "docs/guarantees.md"):
        row = text.startswith("|") and not text.startswith(("| fault |", "|---"))
        if row and not NAMED.search(text) and "not tested yet" not in text:
            findings.append(f"docs/guarantees.md:{number}: names no test, nor that there is none")
    return findings


PLANTED = {
    "README.md": "`Gone.AndForgotten` and `README.md`, `There.is_one`, `There.*`\n",
    "docs/architecture.md": "`There.is_none`, `Nowhere.*`\n`There.is_one/subreaper`\n",
    "docs/decisions/0001-a.md": "`There.WasOne`\n",
    "docs/guarantees.md": "| fault | shown by |\n|---|---|\n| it | `There.is_one` |\n| that | |\n"
                          "| power | not tested yet |\n",
    "tests/unit/a_test.cpp": "TEST_P(There, is_one) {\n}\n// TEST(There, is_none)\n",
}
EXPECTED = ["README.md:1: no test is named Gone.AndForgotten",
            "docs/architecture.md:1: no test is named There.is_none",
            "docs/architecture.md:1: no test is named Nowhere.*",
            "docs/decisions/0001-a.md:1: no test is named There.WasOne",
            "docs/guarantees.md:4: names no test"]

if __name__ == "__main__":
    harness.run(check, PLANTED, EXPECTED)
