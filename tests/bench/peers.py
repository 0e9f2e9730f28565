"""Who is measured, and how each is told to watch everything and to run the worker."""

import json
import pathlib
import subprocess

from tool import SAVED, Tool

HERE = pathlib.Path(__file__).parent
PYTHON = "/usr/bin/python3"  # Debian's, which has Debian's Flask


def first_line(*command):
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return (done.stdout or done.stderr).strip().splitlines()[0]


def last_word(text):
    return text.split()[-1].lstrip("v")


def python_version(distribution):
    code = f"import importlib.metadata as m; print(m.version('{distribution}'))"
    return first_line(PYTHON, "-c", code)


def supervised(build, command):
    supervisor = str(build / "supervisor/supervisor")
    return [supervisor, "--watch", "--state-dir", "{state}", "--", *command]


def any_program(build, node_modules):
    """Tools that run any program; the worker is stamp.c."""
    stamp = str(build / "tests/bench/stamp")
    watched = str(pathlib.PurePath(SAVED).parent)

    def npm_version(name):
        return json.loads((node_modules / name / "package.json").read_text())["version"]

    return [
        Tool("floor", "", [str(build / "tests/bench/floor"), watched, stamp]),
        Tool("supervisor --watch",
             last_word(first_line(str(build / "supervisor/supervisor"), "--version")),
             supervised(build, [stamp])),
        Tool("entr -nr", last_word(first_line("entr")), ["entr", "-nr", stamp], True),
        Tool("nodemon", npm_version("nodemon"),
             [str(node_modules / ".bin/nodemon"), "-q", "--watch", ".", "--ext", "*", "--delay",
              "0", "--signal", "SIGTERM", "--exec", stamp]),
        Tool("onchange -k", npm_version("onchange"),
             [str(node_modules / ".bin/onchange"), "-i", "-k", "**/*", "--", stamp]),
        Tool("watchmedo auto-restart", python_version("watchdog"),
             ["watchmedo", "auto-restart", "-q", "-R", "-d", ".", "--signal", "SIGTERM", "--",
              stamp]),
    ]


def as_delivered(tool):
    """Without what makes it answer a lone save fastest and has it restart for each file of many."""
    if "--delay" not in tool.command:
        return tool
    at = tool.command.index("--delay")
    return tool._replace(command=tool.command[:at] + tool.command[at + 2:])


def own_language(build):
    """Reloaders that run programs of one language, each beside the supervisor with that program."""
    script = [last_word(first_line("which", "node")), str(HERE / "stamp.js")]
    flask = [PYTHON, str(HERE / "stamp_flask.py")]
    return [
        (Tool("node --watch", last_word(first_line("node", "--version")),
              [script[0], "--watch", script[1]]),
         Tool("supervisor --watch -- node", "", supervised(build, script))),
        (Tool("Flask's reloader", python_version("werkzeug"), [*flask, "own"]),
         Tool("supervisor --watch -- python3", "", supervised(build, [*flask, "none"]))),
    ]
