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
PYTHON_CLASS = re.compile(r"^class (\w+)\(unittest\.TestCase\):", re.MULTILINE)
PYTHON_TEST = re.compile(r"^    def (test_\w+)\(self\)", re.MULTILINE)
FILES = {"md", "py", "cpp", "h", "txt", "json", "toml", "service", "log", "lock"}  # `README.md` is no test


def documents(root):
    for path in DOCUMENTS:
        if (root / path).is_dir():
            yield from sorted((root / path).rglob("*.md"))
        elif (root / path).exists():
            yield root / path


def python_tests(text):
    parts = PYTHON_CLASS.split(text)  # what comes before, then name and body by turns
    return {(name, test) for name, body in zip(parts[1::2], parts[2::2])
            for test in PYTHON_TEST.findall(body)}


def check(root):
    root = pathlib.Path(root)
    tests = set()
    for path in sorted((root / "tests").rglob("*.cpp")):
        tests |= set(DEFINED.findall(path.read_text()))
    for path in sorted((root / "tests").rglob("*_test.py")):
        tests |= python_tests(path.read_text())
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
    "docs/decisions/0001-a.md": "`There.WasOne`\n`Snake.test_one`, `Snake.test_two`, `Other.test_two`\n",
    "tests/e2e/b_test.py": "class Snake(unittest.TestCase):\n    def test_one(self):\n"
                           "class Other(unittest.TestCase):\n    def test_two(self):\n",
    "docs/guarantees.md": "| fault | shown by |\n|---|---|\n| it | `There.is_one` |\n| that | |\n"
                          "| power | not tested yet |\n",
    "tests/unit/a_test.cpp": "TEST_P(There, is_one) {\n}\n// TEST(There, is_none)\n",
}
EXPECTED = ["README.md:1: no test is named Gone.AndForgotten",
            "docs/architecture.md:1: no test is named There.is_none",
            "docs/architecture.md:1: no test is named Nowhere.*",
            "docs/decisions/0001-a.md:1: no test is named There.WasOne",
            "docs/decisions/0001-a.md:2: no test is named Snake.test_two",
            "docs/guarantees.md:4: names no test"]

if __name__ == "__main__":
    harness.run(check, PLANTED, EXPECTED)
