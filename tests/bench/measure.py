"""CPU and memory of process trees from /proc, requests by wrk, and interleaved rounds.

CPU is user and system time of a process with all its threads and children (/proc/<pid>/stat), taken before and after a load, so that
what a load costs is known even while other programs share the cores. Clients are never counted.
"""

import os
import re
import statistics
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")
UNITS = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0}


class Unmeasured(Exception):
    """A figure could not be taken; the run goes on with the next."""


def stat_of(pid):
    """Fields of /proc/<pid>/stat after the name (the state is field 0), or None when the process is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None


def tree(root):
    """The process and all its descendants."""
    parents = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and (stat := stat_of(entry.name)):
            parents[int(entry.name)] = int(stat[1])
    found = [root]
    for pid in found:
        found.extend(child for child, parent in parents.items() if parent == pid)
    return found


def cpu(roots):
    """Seconds of CPU that these processes, their threads and their children have used so far."""
    ticks = 0
    for root in roots:
        for pid in tree(root):
            stat = stat_of(pid)
            ticks += sum(map(int, stat[11:15])) if stat else 0
    return ticks / TICKS


def rss(root):
    """Resident bytes of a process and its descendants."""
    total = 0
    for pid in tree(root):
        try:
            status = Path(f"/proc/{pid}/status").read_text()
        except (FileNotFoundError, ProcessLookupError):
            continue
        found = re.search(r"VmRSS:\s+(\d+) kB", status)
        total += int(found.group(1)) * 1024 if found else 0
    return total


@dataclass
class Load:
    """What a load brought: requests answered, per second, 99th percentile in seconds, and server CPU seconds per request."""

    requests: int
    rate: float
    p99: float
    cost: float


def load(url, roots, seconds, connections=32, fields=()):
    """Loads `url` by wrk over keep-alive connections and takes the CPU of the servers `roots`. Half a second is waited after the load,
    so that work put off (the trail, a checkpoint) counts too."""
    command = ["wrk", "--latency", "-t2", f"-c{connections}", f"-d{seconds}s", "--timeout", "20s"]
    for field in fields:
        command += ["-H", field]
    before = cpu(roots)
    said = subprocess.run([*command, url], capture_output=True, text=True, timeout=seconds + 60)
    time.sleep(0.5)
    used = cpu(roots) - before
    requests = re.search(r"(\d+) requests in", said.stdout)
    p99 = re.search(r"99%\s+([\d.]+)(us|ms|s|m)\b", said.stdout)
    rate = re.search(r"Requests/sec:\s+([\d.]+)", said.stdout)
    if not (requests and p99 and rate) or int(requests.group(1)) == 0:
        raise Unmeasured(f"wrk could not load {url}: {said.stdout[-300:]}{said.stderr[-300:]}")
    if "Non-2xx" in said.stdout or "Socket errors" in said.stdout:
        raise Unmeasured(f"{url} did not answer all requests well: {said.stdout[-300:]}")
    count = int(requests.group(1))
    return Load(count, float(rate.group(1)), float(p99.group(1)) * UNITS[p99.group(2)], used / count)


def rounds(count, sides):
    """Runs each side once a round, every other round in reverse order, and gives the figures of each side. `sides`: name to function."""
    figures = {name: [] for name in sides}
    for n in range(count):
        order = list(sides) if n % 2 == 0 else list(reversed(sides))
        for name in order:
            figures[name].append(sides[name]())
    return figures


def warmed(sides):
    """Runs each side once for nothing: caches fill, workers start. What fails here is measured later, or fails again."""
    for side in sides.values():
        try:
            side()
        except Unmeasured:
            pass
    return sides


def median(figures, pick=lambda figure: figure):
    """Median of a figure over the rounds."""
    return statistics.median(pick(figure) for figure in figures)


def percentile(values, share):
    """Value below which `share` of the values lie."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def micro(seconds):
    """Microseconds, in words."""
    return f"{seconds * 1e6:,.1f} µs" if seconds < 1e-4 else f"{seconds * 1e6:,.0f} µs"


def milli(seconds):
    """Milliseconds, in words."""
    return f"{seconds * 1e3:.1f} ms"


def mega(amount):
    """Megabytes, in words."""
    return f"{amount / 1e6:.1f} MB"
