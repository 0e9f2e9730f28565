"""docs/benchmarks.md: one section for each thing that is measured, each written by itself."""

import datetime
import os
import pathlib
import platform
import re

PAGE = pathlib.Path(__file__).parents[2] / "docs/benchmarks.md"


def machine(load):
    """`load`: os.getloadavg()[0] before it began; a machine that is busy tells other figures."""
    return (f"Linux {platform.release().split('-')[0]}, {os.cpu_count()} CPUs, "
            f"{datetime.date.today()}, load average {load:.1f} before it began.")


def keep(sections, head=None):
    """`sections`: text by heading. The others stay, and so does their order; new ones are last.
    `head`: what comes before the first one."""
    known = re.split(r"^## (.*)\n", PAGE.read_text(), flags=re.MULTILINE)
    page = dict(zip(known[1::2], known[2::2]))
    page.update({heading: f"\n{text.strip()}\n\n" for heading, text in sections.items()})
    parts = [head or known[0]] + [f"## {heading}\n{text}" for heading, text in page.items()]
    PAGE.write_text("".join(parts).rstrip() + "\n")


def table(header, rows):
    widths = [max(len(row[i]) for row in [header] + rows) for i in range(len(header))]

    def line(cells):
        padded = [cells[0].ljust(widths[0])]
        padded += [cell.rjust(width) for cell, width in zip(cells[1:], widths[1:])]
        return "| " + " | ".join(padded) + " |"

    ruler = ["-" * widths[0]] + ["-" * (width - 1) + ":" for width in widths[1:]]
    return "\n".join([line(header), line(ruler)] + [line(row) for row in rows])
