"""Packages of a build, for tests: what script/package makes, without building first."""

import os
import pathlib
import subprocess


def make(build, into, kinds="DEB;TGZ", version=None, epoch="1700000000"):
    """{"deb": path, "tar": path}"""
    into = pathlib.Path(into)
    into.mkdir(parents=True)
    words = ["cpack", "--config", build / "CPackConfig.cmake", "-G", kinds, "-B", into]
    if version:
        words += ["-D", f"CPACK_PACKAGE_VERSION={version}"]
    subprocess.run(words, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                   env={**os.environ, "SOURCE_DATE_EPOCH": epoch})
    endings = {"deb": "*.deb", "tar": "*.tar.gz"}
    return {kind: path for kind, ending in endings.items() for path in into.glob(ending)}
