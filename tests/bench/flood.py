"""A flood of wrong passwords beside people who work.

A steady 200 requests a second for the list of cases, by the clock and not by the answers (a request that waits for its turn counts from
when it was due), first alone, then beside 16 clients that post wrong passwords as fast as they are answered. They come from many network
addresses, and ask mostly after people who are not there, so that throttling lets them through to the password slots; what it holds off
all the same is counted apart. Compared is p99 of the pages. RSS of the server is looked at every 50 ms; the budget is what it was before
the flood (a fresh start and 400 pages), 64 MiB a password slot, and 20 MB.
"""

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from measure import Unmeasured, mega, median, milli, rss
from table import Row, at_most

RATE, CLIENTS = 200, 16
SLOT, MORE = 64 * 1024 * 1024, 20_000_000


def client(stage, kind, seconds, cookie="", flood=0):
    """Starts flood_client.py; the cookie goes by its standard input. Each flood comes from other addresses than the one before."""
    words = [sys.executable, str(Path(__file__).parent / "flood_client.py"), kind, str(stage.firm.port), str(seconds), str(RATE if kind == "pages" else CLIENTS)]
    child = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    child.stdin.write(json.dumps({"cookie": cookie, "flood": flood, "emails": [user["email"] for user in stage.firm.users[2:]]}))
    child.stdin.close()
    return child


def heard(child):
    """What a client says at its end."""
    text = child.stdout.read()
    if child.wait(60):
        raise Unmeasured("a client of the flood failed")
    return json.loads(text)


def pages(stage, seconds):
    """p99 of pages, and the most RSS meanwhile."""
    child, most = client(stage, "pages", seconds, stage.priya.cookie.partition(" ")[2]), 0
    while child.poll() is None:
        most = max(most, rss(stage.firm.pid))
        time.sleep(0.05)
    said = heard(child)
    if said["failed"]:
        raise Unmeasured(f"{said['failed']} of {said['asked']} pages were not answered well")
    return said["p99"], most


def flood(stage):
    """Idle and flooded in turn; a pause after each flood lets the queue before the slots run empty. The server is started anew before, so
    that no password slot holds memory yet."""
    seconds, turns = (4, 2) if stage.quick else (15, 3)
    stage.priya.get("/cases")
    stage.firm.again()
    pages(stage, 2)
    time.sleep(2)
    quiet = rss(stage.firm.pid)
    idle, flooded = [], []
    for turn in range(turns):
        idle.append(pages(stage, seconds)[0])
        wrong = client(stage, "passwords", seconds + 2, flood=turn + 1)
        time.sleep(1)
        flooded.append((*pages(stage, seconds), wrong))
        flooded[-1] = (*flooded[-1][:2], heard(wrong))
        if flooded[-1][2]["wrong"] <= flooded[-1][2]["held"]:
            raise Unmeasured("most of the flood was held off before the password slots")
        time.sleep(3)
    return verdicts(quiet, idle, flooded, seconds + 2)


def verdicts(quiet, idle, flooded, seconds):
    """The two rows."""
    calm, busy = median(idle), median(flooded, lambda one: one[0])
    most = max(one[1] for one in flooded)
    tries = median(flooded, lambda one: one[2]["wrong"] / seconds)
    held, refused = sum(one[2]["held"] for one in flooded), sum(one[2]["busy"] for one in flooded)
    count = min(4, max(2, len(os.sched_getaffinity(0))))
    limit = quiet + count * SLOT + MORE
    words = f"{milli(busy)} beside {tries:.0f} wrong passwords/s, {held} held off" + (f", {refused} told to wait" if refused else "")
    verdict = "met" if most <= limit else "missed"
    return [
        at_most(f"{RATE} pages/s beside a sign-in flood: p99", f"without flood {milli(calm)}", words, busy / calm, 3),
        Row("the same: RSS", f"before {mega(quiet)}", mega(most), f"{most / limit:.2f}", f"≤ {mega(limit)} ({count} slots)", verdict),
    ]
