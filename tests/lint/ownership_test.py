"""Holds that a third-party library is named only in the files that own it.

Beast costs seconds a file to compile, and a library that is named in one place can be replaced in
one place. A new library gets a row here.
"""

import fnmatch
import re
from collections import namedtuple

import harness

Library = namedtuple("Library", "name include owners most", defaults=(None,))

LIBRARIES = [
    Library("CLI11", r"CLI/", ["supervisor/command_line.cpp", "supervisor/command_options.cpp",
                               "worker/options.cpp"]),
    Library("toml++", r"toml(\+\+|plusplus|\.hpp)", ["supervisor/config_file.cpp", "worker/config*"], 3),
    Library("SQLiteCpp", r"SQLiteCpp/|sqlite3", ["worker/store*.cpp", "worker/store_sql.h", "worker/store_rows.h"]),
    Library("libcurl", r"curl/", ["worker/curl*", "worker/fetcher.*", "worker/mailer.cpp"]),
    Library("Boost.Beast", r"boost/beast", ["worker/http_*"], 2),
    Library("Boost.Process", r"boost/process", ["supervisor/child.cpp"]),
    Library("spdlog", r"spdlog/", ["common/log.cpp"]),
    Library("date", r"date/", ["worker/*"], 2),
    Library("xxHash", r"xxh", ["supervisor/instance.cpp", "supervisor/content.cpp"], 2),
    Library("libgit2", r"git2", ["supervisor/vcs_ignore.cpp"]),
    Library("libsystemd", r"systemd/", ["common/notify.cpp", "supervisor/activation.cpp"]),
    Library("tl::expected", r"tl/", ["common/result.h"]),
    Library("nlohmann/json", r"nlohmann/", ["worker/*", "common/log.cpp",
                                           "supervisor/json_fields.h",
                                           "supervisor/doctor_report.cpp",
                                           "supervisor/selftest_report.cpp"]),
    # Everywhere, by design. Which files are pure and have no loop is arrows_test's business.
    Library("Boost.Asio", r"boost/(asio|system)", ["supervisor/*", "worker/*"]),
    Library("fmt", r"fmt/", ["*"]),
]

SYSTEM_DIRECTORIES = ("sys/", "linux/", "netinet/", "arpa/", "net/", "bits/")
SYSTEM = {
    "assert.h", "ctype.h", "dirent.h", "dlfcn.h", "errno.h", "fcntl.h", "fnmatch.h", "getopt.h",
    "glob.h", "grp.h", "ifaddrs.h", "inttypes.h", "langinfo.h", "limits.h", "locale.h", "math.h",
    "mntent.h", "netdb.h", "poll.h", "pthread.h", "pwd.h", "resolv.h", "sched.h", "signal.h",
    "spawn.h", "stdarg.h", "stddef.h", "stdint.h", "stdio.h", "stdlib.h", "string.h", "strings.h",
    "syslog.h", "termios.h", "time.h", "ucontext.h", "unistd.h", "wchar.h",
}


def is_system(header):
    standard = "." not in header and "/" not in header
    return standard or header in SYSTEM or header.startswith(SYSTEM_DIRECTORIES)


def is_ours(header):
    return header.split("/")[0] in harness.COMPONENTS


def library_of(header):
    return next((one for one in LIBRARIES if re.match(one.include, header)), None)


def check(root):
    findings = []
    named_in = {}
    for path in harness.sources(root):
        for number, quoted, what in harness.includes(root, path):
            if is_ours(what) or (not quoted and is_system(what)):
                continue
            library = library_of(what)
            if not library:
                findings.append(f"{path}:{number}: {what} belongs to no library with an owner; "
                                "see LIBRARIES in tests/lint/ownership_test.py")
            elif not any(fnmatch.fnmatch(path, owner) for owner in library.owners):
                findings.append(f"{path}:{number}: {library.name} belongs to "
                                f"{', '.join(library.owners)}")
            else:
                named_in.setdefault(library.name, {}).setdefault(path, number)
    for library in LIBRARIES:
        places = sorted(named_in.get(library.name, {}).items())
        if library.most and len(places) > library.most:
            path, number = places[-1]
            findings.append(f"{path}:{number}: {library.name} is named in {len(places)} files, "
                            f"{library.most} at most: {', '.join(place for place, _ in places)}")
    return findings


PLANTED = {
    "common/log.cpp": "#include <spdlog/spdlog.h>\n#include <unistd.h>\n#include <vector>\n",
    "common/log.h": "#include <fmt/format.h>\n#include <spdlog/common.h>\n",
    "supervisor/command_line.cpp": "#include <CLI/CLI.hpp>\n#include <sys/stat.h>\n",
    "supervisor/main.cpp": '#include "common/log.h"\n#include <CLI/CLI.hpp>\n',
    "supervisor/loop.cpp": "#include <boost/asio/post.hpp>\n#include <boost/process/v2.hpp>\n",
    "supervisor/contents.cpp": "#include <xxhash.h>\n#include <git2.h>\n",
    "worker/store.cpp": "#include <SQLiteCpp/SQLiteCpp.h>\n",
    "worker/store.h": "\n\n#include <SQLiteCpp/Database.h>\n",
    "worker/poster.cpp": "#include <curl/curl.h>\n",
    "worker/a.cpp": "#include <date/tz.h>\n",
    "worker/b.cpp": "#include <date/tz.h>\n",
    "worker/c.cpp": "#include <date/date.h>\n",
    "worker/d.cpp": '#include "toml++/toml.h"\n',
}
EXPECTED = [
    "common/log.h:2:", "supervisor/main.cpp:2:", "supervisor/loop.cpp:2:",
    "supervisor/contents.cpp:1:", "supervisor/contents.cpp:2:", "worker/store.h:3:",
    "worker/poster.cpp:1:", "worker/c.cpp:1: date is named in 3 files", "worker/d.cpp:1:",
]

if __name__ == "__main__":
    harness.run(check, PLANTED, EXPECTED)
