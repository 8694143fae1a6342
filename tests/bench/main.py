"""Runs the groups one after the other and prints the table. Called by `run`."""

import argparse
import os
import subprocess
import sys
import time
from pathlib import Path
from alike import alike
from backups import backups
from case_list import against_anchors, against_million
from flood import flood
from front import front
from handshake import handshakes
from measure import Unmeasured
from shipping import shipping
from stage import Stage, say
from start import begin
from table import lines, unmeasured
from transfer import download, upload

GROUPS = {
    "list": against_anchors,
    "million": against_million,
    "download": download,
    "upload": upload,
    "handshake": handshakes,
    "start": begin,
    "flood": flood,
    "alike": alike,
    "front": front,
    "backups": backups,
    "shipping": shipping,
}


def arguments():
    parser = argparse.ArgumentParser(prog="tests/bench/run", description="Measures Strongroom beside its anchors and prints one table.")
    parser.add_argument("--quick", action="store_true", help="short rounds, without the firm of a million cases")
    parser.add_argument("--million", action="store_true", help="with the firm of a million cases, even when quick")
    parser.add_argument("--only", action="append", choices=list(GROUPS), help="only this group; can be given several times")
    parser.add_argument("--binary", type=Path, required=True, help=argparse.SUPPRESS)
    parser.add_argument("--bench", type=Path, required=True, help=argparse.SUPPRESS)
    return parser.parse_args()


def chosen(given):
    """The groups of this run."""
    if given.only:
        return given.only
    return [name for name in GROUPS if name != "million" or given.million or not given.quick]


def surroundings():
    """What the figures depend on: cores, load, versions."""
    nginx = subprocess.run(["nginx", "-v"], capture_output=True, text=True).stderr.strip().partition("/")[2]
    cores = len(os.sched_getaffinity(0))
    return f"{cores} cores, load {os.getloadavg()[0]:.1f} at the beginning, nginx {nginx}, Python {sys.version.split()[0]}"


def measured(stage, names):
    """Rows of all groups. What cannot be measured becomes a row that says why."""
    rows, whole = [], True
    for name in names:
        say(f"{name} …")
        begun = time.monotonic()
        try:
            rows += GROUPS[name](stage)
        except (Unmeasured, OSError, subprocess.SubprocessError, StopIteration) as why:
            rows.append(unmeasured(name, why or type(why).__name__))
            whole = False
        say(f"{name}: {time.monotonic() - begun:.0f} s")
    return rows, whole


def main():
    given = arguments()
    about = surroundings()
    stage = Stage(given.binary.resolve(), given.bench.resolve(), given.quick)
    try:
        rows, whole = measured(stage, chosen(given))
    finally:
        stage.end()
    print(f"\n{about}{', quick: short rounds' if given.quick else ''}. Medians of interleaved rounds.\n")
    print("\n".join(lines(rows)), flush=True)
    return 0 if whole else 1


sys.exit(main())
