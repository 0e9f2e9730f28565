"""Holds the arrows between files: who may include whom.

Pure is what the CMake targets oneloop_supervisor_pure and oneloop_worker_pure list; a header
without a .cpp is listed there too when it is to count as pure.
"""

import harness

# The arrows inside the supervisor's decisions. Every other pure file of it stands alone.
SUPERVISOR_ARROWS = {
    "supervisor/down": {"supervisor/lifecycle"},
    "supervisor/lifecycle": {"supervisor/policy"},
    "supervisor/brain": {"supervisor/build_gate", "supervisor/build_writes",
                         "supervisor/change_gate", "supervisor/doubts", "supervisor/lifecycle",
                         "supervisor/own_writes", "supervisor/same_saves"},
    "supervisor/watch_tree": {"supervisor/content_rule"},
    "supervisor/completions": {"supervisor/option_model"},
    "supervisor/readiness": {"supervisor/notify_message", "supervisor/policy",
                             "supervisor/watchdog"},
    "supervisor/chronicle": {"supervisor/brain", "supervisor/control_protocol"},
    "supervisor/reload_verdict": {"supervisor/control_protocol"},
    "supervisor/control_protocol": {"supervisor/json_fields", "supervisor/status_json"},
    "supervisor/status_json": {"supervisor/control_protocol", "supervisor/json_fields"},
}
# What of common/ is values and no I/O. clock.h names the clocks; pure code reads none.
PURE_COMMON = {"common/check", "common/clock", "common/duration", "common/exit_status",
               "common/result"}
SUPERVISOR_SYSTEM = {"sys/inotify.h", "fnmatch.h"}  # layouts and a matcher, no descriptor
JSON = "nlohmann/"
SUPERVISOR_JSON = {"supervisor/control_protocol", "supervisor/json_fields"}  # text in, values out
WORKER_FORMAT = {"worker/calendar", "worker/console", "worker/feed", "worker/text"}
WARDEN = {"supervisor/warden", "supervisor/cgroup_tree", "supervisor/descendants",
          "supervisor/generation", "supervisor/warden_protocol"}


def is_standard(header):
    return "." not in header and "/" not in header


def check_component(path, what):
    component, other = path.split("/")[0], what.split("/")[0]
    allowed = {"common": {"common"}, "supervisor": {"common", "supervisor"},
               "worker": {"common", "worker"}}[component]
    if other not in allowed:
        return f"{component} must not include {what}"
    return None


def check_pure(unit, quoted, what, pure):
    component = unit.split("/")[0]
    if quoted:
        other = harness.unit(what)
        if other.startswith("common/"):
            return None if other in PURE_COMMON else f"pure, but includes {what}, which does I/O"
        if other not in pure:
            return f"pure, but includes {what}, which is not in oneloop_{component}_pure"
        if component == "supervisor" and other != unit:
            if other not in SUPERVISOR_ARROWS.get(unit, set()):
                return f"no arrow leads from {unit} to {other}"
        return None
    if is_standard(what):
        return None
    if component == "supervisor" and what in SUPERVISOR_SYSTEM:
        return None
    if component == "supervisor" and what.startswith(JSON) and unit in SUPERVISOR_JSON:
        return None
    if component == "worker" and what.startswith(JSON):
        return None
    if component == "worker" and what.startswith("fmt/") and unit in WORKER_FORMAT:
        return None
    return f"pure, but includes <{what}>"


def check_warden(root, quoted, what, base):
    if quoted:
        other = harness.unit(what)
        if other in WARDEN or other in base:
            return None
        return f"the warden may not include {what}: only what oneloop_base holds"
    third_party = "/" in what and not what.startswith(("sys/", "linux/"))
    if third_party or what.endswith(".hpp"):
        return f"the warden links libc only, not <{what}>"
    return None


def base_units(root):
    """oneloop_base and the headers of common/ that need no library of ours."""
    paths = harness.sources(root)
    header_only = {harness.unit(path) for path in paths if path.startswith("common/")}
    header_only -= {harness.unit(path) for path in paths if path.endswith(".cpp")}
    return harness.target_units(root, "common", "oneloop_base") | header_only


def check(root):
    findings = []
    pure = {}
    for component in ("supervisor", "worker"):
        pure[component] = harness.target_units(root, component, f"oneloop_{component}_pure")
        if not pure[component]:
            findings.append(f"{component}/CMakeLists.txt:1: oneloop_{component}_pure is not there")
    base = base_units(root)
    for path in harness.sources(root):
        unit = harness.unit(path)
        component = path.split("/")[0]
        for number, quoted, what in harness.includes(root, path):
            reasons = []
            if quoted:
                reasons.append(check_component(path, what))
            if unit in pure.get(component, set()) and not any(reasons):
                reasons.append(check_pure(unit, quoted, what, pure[component]))
            if unit in WARDEN and not any(reasons):
                reasons.append(check_warden(root, quoted, what, base))
            findings += [f"{path}:{number}: {reason}" for reason in reasons if reason]
    return findings


PLANTED = {
    "common/CMakeLists.txt": "add_library(oneloop_base STATIC flag.cpp)\n",
    "common/flag.cpp": '#include "common/flag.h"\n',
    "common/flag.h": '#include "supervisor/brain.h"\n',
    "common/clock.h": "",
    "common/log.cpp": "",
    "common/log.h": "",
    "supervisor/CMakeLists.txt":
        "add_library(oneloop_supervisor_pure STATIC\n  brain.cpp lifecycle.cpp\n  policy.cpp)\n"
        "target_sources(oneloop_supervisor_pure PRIVATE control_protocol.cpp)\n",
    "supervisor/control_protocol.cpp": "#include <nlohmann/json.hpp>\n#include <fmt/format.h>\n",
    "supervisor/policy.cpp": "#include <nlohmann/json.hpp>\n",
    "supervisor/brain.cpp": '#include "supervisor/brain.h"\n#include "supervisor/loop.h"\n'
                            '#include "supervisor/lifecycle.h"\n#include "supervisor/policy.h"\n',
    "supervisor/lifecycle.h": '#include <vector>\n#include "common/clock.h"\n'
                              '#include "supervisor/policy.h"\n#include <unistd.h>\n',
    "supervisor/policy.h": '#include "common/log.h"\n#include <sys/inotify.h>\n',
    "supervisor/loop.h": '#include "worker/feed.h"\n',
    "supervisor/warden.cpp": '#include <sys/wait.h>\n#include "common/clock.h"\n'
                             '#include "common/flag.h"\n#include "common/log.h"\n'
                             '#include "supervisor/brain.h"\n#include <fmt/format.h>\n',
    "worker/CMakeLists.txt": "add_library(oneloop_worker_pure STATIC item.cpp text.cpp)  # x.cpp\n",
    "worker/item.cpp": '#include <nlohmann/json.hpp>\n#include <fmt/format.h>\n'
                       '  #  include "worker/store.h"\n',
    "worker/text.cpp": '#include <fmt/format.h>\n#include "supervisor/policy.h"\n',
}
EXPECTED = [
    "common/flag.h:1:", "supervisor/brain.cpp:2:", "supervisor/brain.cpp:4:",
    "supervisor/lifecycle.h:4:", "supervisor/policy.h:1:", "supervisor/policy.cpp:1:",
    "supervisor/control_protocol.cpp:2:", "supervisor/loop.h:1:",
    "supervisor/warden.cpp:4:", "supervisor/warden.cpp:5:", "supervisor/warden.cpp:6:",
    "worker/item.cpp:2:", "worker/item.cpp:3:", "worker/text.cpp:2:",
]

if __name__ == "__main__":
    harness.run(check, PLANTED, EXPECTED)
