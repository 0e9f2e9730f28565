"""Holds that the manual pages are sound, and that oneloop.toml(5) names every key that the programs
read: those that a ConfigReader knows, and the long options of supervisor(1).
"""

import pathlib
import re
import shutil
import subprocess

import harness

PAGE = "docs/man/oneloop.toml.5"
# ConfigReader name(table, "http", {"listen", "token"}, ...), and sets of keys that grow.
READER = re.compile(r'ConfigReader\s+\w+\s*\(|(?:std::set<std::string_view>\s+keys\s*=|keys\.insert\()')
LIST = re.compile(r"\{([^{}]*)\}")
KEY = re.compile(r'"([a-z_]+)"')
OPTION = re.compile(r"^\.It Fl (?:\w , Fl )?-([a-z-]+)", re.MULTILINE)
NOT_KEYS = {"help", "version", "config", "completions"}
# What mandoc calls a matter of style is no mistake.
LINT = ["mandoc", "-T", "lint", "-W", "warning"]


def keys_of(text):
    """Keys in the first list of words after each place where a table is read."""
    keys = {}
    for place in READER.finditer(text):
        rest = text[place.end():]
        found = LIST.search(rest)
        if not found or ";" in rest[:found.start()]:
            continue
        for key in KEY.findall(found.group(1)):
            keys.setdefault(key, text.count("\n", 0, place.start()) + 1)
    return keys


def check(root):
    root = pathlib.Path(root)
    page = root / PAGE
    if not page.exists():
        return [f"{PAGE}:1: is not there"]
    words = set(re.split(r"[^\w-]+", page.read_text()))
    findings = []
    for path in sorted((root / "worker").glob("config*.cpp")):
        for key, line in sorted(keys_of(path.read_text()).items()):
            if key not in words:
                findings.append(f"{path.relative_to(root)}:{line}: the key {key} is not in {PAGE}")
    supervisor = root / "docs/man/supervisor.1"
    if supervisor.exists():
        options = supervisor.read_text().partition(".Sh OPTIONS")[2].partition("\n.Sh ")[0]
        for option in OPTION.findall(options):
            if option not in words and option not in NOT_KEYS:
                findings.append(f"docs/man/supervisor.1:1: the option {option} is not in {PAGE}")
    if shutil.which("mandoc"):
        for path in sorted((root / "docs/man").iterdir()):
            said = subprocess.run([*LINT, str(path)], capture_output=True, text=True, check=False).stdout
            for line in said.splitlines():
                place, _, what = line.partition(f"{path.name}:")[2].partition(": ")
                findings.append(f"{path.relative_to(root)}:{place or 1}: {what or line}")
    return findings


PLANTED = {
    "worker/config.cpp": 'const ConfigReader http(*table, "http", {"listen", "tokken"}, problems);\n'
                         'std::set<std::string_view> keys = {"id"};\nif (x) keys.insert({"colour"});\n',
    "docs/man/supervisor.1": ".Dd January 1, 2026\n.Dt SUPERVISOR 1\n.Os\n.Sh NAME\n.Nm supervisor\n.Nd x\n.Sh OPTIONS\n"
                             ".Bl -tag -width Ds\n.It Fl w , Fl -watch Op Ar path\nx\n.It Fl -poll\nx\n.It Fl -help\nx\n.El\n",
    PAGE: ".Dd January 1, 2026\n.Dt ONELOOP.TOML 5\n.Os\n.Sh NAME\n.Nm oneloop.toml\n.Nd x\n.Sh DESCRIPTION\n"
          ".Ic listen , id ,\n.Ic watch\n",
}
EXPECTED = ["worker/config.cpp:1: the key tokken", "worker/config.cpp:3: the key colour",
            "docs/man/supervisor.1:1: the option poll"]

if __name__ == "__main__":
    harness.run(check, PLANTED, EXPECTED)
