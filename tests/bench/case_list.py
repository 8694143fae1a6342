"""The list of cases, signed in: 50 rows over TLS, 32 keep-alive connections.

Ours is the whole way: gate, TLS, session, access check, trail, database, template. The anchors are a file of 12 kB from nginx over TLS,
and the casebook in Django: two gunicorn workers behind nginx with TLS, whose CPU is counted together. Cost is server CPU per request;
p99 is what clients see when 32 of them ask without a pause. A first round of each is thrown away: it warms caches and workers.
"""

from anchors import fetched
from firm import ROW, Firm
from measure import Unmeasured, load, median, micro, milli, rounds, warmed
from table import at_least, at_most

MILLION = 1_000_000
FEW = 1_000


def full_page(visit):
    """Sees to it that the page has 50 rows; gives its size."""
    text = visit.get("/cases")
    rows = len(set(ROW.findall(text)))
    if rows != 50:
        raise Unmeasured(f"the list has {rows} rows instead of 50")
    return len(text.encode())


def against_anchors(stage):
    """Against nginx with a file, and Django."""
    visit, nginx, django, seconds = stage.priya, stage.nginx, stage.django, stage.seconds
    size, other_size = full_page(visit), len(fetched(nginx.ports["django"], "/cases", django.cookie))
    sides = {
        "file": lambda: load(nginx.url("files", "page.html"), [nginx.pid], seconds),
        "ours": lambda: load(stage.firm.url + "/cases", [stage.firm.pid], seconds, fields=[visit.cookie]),
        "django": lambda: load(nginx.url("django", "cases"), [nginx.pid, django.pid], seconds, fields=[django.cookie]),
    }
    figures = rounds(stage.rounds, warmed(sides))
    cost = {name: median(loads, lambda one: one.cost) for name, loads in figures.items()}
    rate = {name: median(loads, lambda one: one.rate) for name, loads in figures.items()}
    p99 = {name: median(loads, lambda one: one.p99) for name, loads in figures.items()}
    ours = f"{micro(cost['ours'])}, {rate['ours']:,.0f}/s"
    name = f"case list, {size / 1000:.0f} kB"
    other = f"Django {django.version}, {other_size / 1000:.0f} kB,"
    return [
        at_most(f"{name}: CPU a request", f"nginx file {micro(cost['file'])}, {rate['file']:,.0f}/s", ours, cost["ours"] / cost["file"], 18, "≤ 18 ×"),
        at_least(f"{name}: CPU a request", f"{other} {micro(cost['django'])}, {rate['django']:,.0f}/s", ours, cost["django"] / cost["ours"], 10, "≥ 10 × fewer"),
        at_most(f"{name}: p99 of 32 clients", f"{other} {milli(p99['django'])}", milli(p99["ours"]), p99["ours"] / p99["django"], 0.125, "≤ 1/8"),
    ]


def against_million(stage):
    """The same list of a firm with a thousand and with a million cases, both running, one loaded at a time. The large firm is made once
    and kept. Its trail has an event for each case that was opened, and those of the runs before."""
    few = stage.running(Firm(stage.binary, stage.folder / "few", stage.certificate, FEW))
    many = stage.running(Firm(stage.binary, stage.bench / "million", stage.certificate, MILLION))
    visits = {"few": few.signed_in(), "many": many.signed_in()}
    for visit in visits.values():
        full_page(visit)
    side = lambda firm, visit: lambda: load(firm.url + "/cases", [firm.pid], stage.seconds, fields=[visit.cookie])
    sides = {"few": side(few, visits["few"]), "many": side(many, visits["many"])}
    figures = rounds(stage.rounds, warmed(sides))
    cost = {name: median(loads, lambda one: one.cost) for name, loads in figures.items()}
    return [at_most("case list: CPU, 1 M against 1 k cases", f"1 k cases {micro(cost['few'])}", f"1 M cases {micro(cost['many'])}", cost["many"] / cost["few"], 1.3)]
