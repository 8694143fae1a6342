"""Rows of the table, and how it is printed."""

from dataclasses import dataclass

HEAD = ("work", "anchor", "ours", "ratio", "budget", "")


@dataclass
class Row:
    """One line: all words. `verdict` is met, missed, or – where no budget is set."""

    work: str
    anchor: str
    ours: str
    ratio: str
    budget: str
    verdict: str


def at_most(work, anchor, ours, ratio, most, words=None):
    """A row whose ratio must not be above `most`."""
    return Row(work, anchor, ours, shown(ratio), words or f"≤ {most:g}", "met" if ratio <= most else "missed")


def at_least(work, anchor, ours, ratio, least, words=None):
    """A row whose ratio must not be below `least`."""
    return Row(work, anchor, ours, shown(ratio), words or f"≥ {least:g}", "met" if ratio >= least else "missed")


def told(work, anchor, ours, ratio):
    """A row for which no budget is set."""
    return Row(work, anchor, ours, shown(ratio), "–", "–")


def unmeasured(work, why):
    """A row for what could not be measured."""
    return Row(work, "", "not measured: " + " ".join(str(why).split())[:160], "", "", "–")


def shown(ratio):
    """A ratio with three digits that count."""
    return f"{ratio:.0f}" if ratio >= 100 else f"{ratio:.1f}" if ratio >= 10 else f"{ratio:.2f}"


def lines(rows):
    """The table as lines of Markdown, every column as wide as its widest cell."""
    cells = [HEAD] + [(r.work, r.anchor, r.ours, r.ratio, r.budget, r.verdict) for r in rows]
    widths = [max(len(row[n]) for row in cells) for n in range(len(HEAD))]
    drawn = ["| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths)) + " |" for row in cells]
    rule = "|" + "|".join("-" * (width + 2) for width in widths) + "|"
    return [drawn[0], rule, *drawn[1:]]
