"""New TLS 1.3 connections: full handshakes without resumption, the same P-256 certificate on both sides, no request.

What is compared is handshakes per second of server CPU: clients share the cores with the servers, so that a rate by the clock would
mostly measure the clients. One client (pyOpenSSL, whose OpenSSL offers X25519MLKEM768 first) makes our gate use X25519MLKEM768, while
nginx with an OpenSSL before 3.5 takes X25519; the other (the OpenSSL of this system) makes both use X25519.
"""

import json
import subprocess
import sys
import time
from pathlib import Path
from measure import Unmeasured, cpu, median, rounds
from table import at_least

CLIENTS = 6


def per_cpu_second(python, port, root, seconds):
    """Handshakes per second of server CPU, and the group that was agreed on."""
    script = str(Path(__file__).parent / "handshake_client.py")
    before = cpu([root])
    clients = [subprocess.Popen([python, script, str(port), str(seconds)], stdout=subprocess.PIPE, text=True) for _ in range(CLIENTS)]
    said = [client.communicate(timeout=seconds + 60)[0] for client in clients]
    time.sleep(0.3)
    used = cpu([root]) - before
    if any(client.returncode for client in clients) or used == 0:
        raise Unmeasured("a handshake failed")
    answers = [json.loads(text) for text in said]
    return sum(answer["count"] for answer in answers) / used, answers[0]["group"]


def handshakes(stage):
    """Both clients against both servers, interleaved."""
    nginx, firm, seconds = stage.nginx, stage.firm, stage.seconds / 2
    side = lambda python, port, root: lambda: per_cpu_second(python, port, root, seconds)
    figures = rounds(stage.rounds, {
        "nginx new": side(stage.python, nginx.ports["files"], nginx.pid),
        "ours new": side(stage.python, firm.port, firm.pid),
        "nginx old": side(sys.executable, nginx.ports["files"], nginx.pid),
        "ours old": side(sys.executable, firm.port, firm.pid),
    })
    rows = []
    for client in ("new", "old"):
        anchor, own = figures[f"nginx {client}"], figures[f"ours {client}"]
        per, mine = median(anchor, lambda one: one[0]), median(own, lambda one: one[0])
        groups = anchor[0][1], own[0][1]
        work = f"TLS handshakes a CPU second, {groups[1]}"
        rows.append(at_least(work, f"nginx {groups[0]} {per:,.0f}", f"{mine:,.0f}", mine / per, 0.85))
    return rows
