"""A small page through the front: /healthz over TLS, 32 keep-alive connections, server CPU a request.

The inner server answers nobody but its own gate, so that nginx cannot stand in front of the same one. The anchor is therefore nginx
before a trivial upstream, nginx itself with three bytes, which does less than an inner server with routes, guards and headers: the
ratio says at most how much dearer our front is, and no budget is judged by it.
"""

from measure import load, median, micro, rounds, warmed
from table import told


def front(stage):
    """Gate and inner server together, against nginx and its upstream together."""
    nginx, firm, seconds = stage.nginx, stage.firm, stage.seconds
    sides = {
        "nginx": lambda: load(nginx.url("front"), [nginx.pid], seconds),
        "ours": lambda: load(firm.url + "/healthz", [firm.pid], seconds),
    }
    figures = rounds(stage.rounds, warmed(sides))
    anchor, own = (median(figures[name], lambda one: one.cost) for name in ("nginx", "ours"))
    return [told("small page through the front: CPU", f"nginx → trivial upstream {micro(anchor)}", micro(own), own / anchor)]
