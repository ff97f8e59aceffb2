"""The plot of docs/performance.md: time of one field against its length, drawn as plain SVG."""

import math

PANEL_W, PANEL_H = 300, 290
LEFT, TOP, GAP, BOTTOM = 62, 74, 18, 46

# One set of colors for light and dark pages, as a page need not be what the system prefers: greys
# and hues of middle lightness (after Okabe and Ito); a dash for each line tells them apart as well.
STYLE = """
  text { font: 12px system-ui, sans-serif; fill: #6e7781; }
  .title { font-weight: 600; }
  .grid { stroke: #8c959f; stroke-opacity: .3; }
  .line { fill: none; stroke-width: 2; stroke-linejoin: round; }
  .s0 { stroke: #1a7fd4; } .f0 { fill: #1a7fd4; }
  .s1 { stroke: #4fb0e8; stroke-dasharray: 6 3; } .f1 { fill: #4fb0e8; }
  .s2 { stroke: #d55e00; } .f2 { fill: #d55e00; }
  .s3 { stroke: #009e73; stroke-dasharray: 2 3; } .f3 { fill: #009e73; }
  .s4 { stroke: #cc79a7; stroke-dasharray: 9 3 2 3; } .f4 { fill: #cc79a7; }
"""
TIMES = [(1e2, "100 ns"), (1e3, "1 us"), (1e4, "10 us"), (1e5, "100 us"), (1e6, "1 ms"),
         (1e7, "10 ms")]


class Axis:
    """Maps the logarithm of [low, high] to [start, end]."""

    def __init__(self, low, high, start, end):
        self.low, self.scale = math.log(low), (end - start) / (math.log(high) - math.log(low))
        self.start = start

    def __call__(self, value):
        return self.start + (math.log(value) - self.low) * self.scale


def short(size):
    for unit, name in ((1 << 20, "M"), (1 << 10, "K")):
        if size >= unit:
            return f"{size // unit}{name}"
    return str(size)


def text(x, y, content, anchor="middle", css=None):
    css = f' class="{css}"' if css else ""
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{css}>{content}</text>'


def grid(x, y, left, ticks, times, first):
    for size in ticks:
        yield (f'<line class="grid" x1="{x(size):.1f}" y1="{TOP}" x2="{x(size):.1f}" '
               f'y2="{TOP + PANEL_H}"/>')
        yield text(x(size), TOP + PANEL_H + 18, short(size))
    for value, label in times:
        yield (f'<line class="grid" x1="{left}" y1="{y(value):.1f}" x2="{left + PANEL_W}" '
               f'y2="{y(value):.1f}"/>')
        if first:
            yield text(left - 8, y(value) + 4, label, "end")


def curve(n, points):
    path = " ".join(f"{px:.1f},{py:.1f}" for px, py in points)
    yield f'<polyline class="line s{n}" points="{path}"/>'
    for px, py in points:
        yield f'<circle class="f{n}" cx="{px:.1f}" cy="{py:.1f}" r="3"/>'


def legend(names):
    at = LEFT
    for n, name in enumerate(names):
        yield f'<line class="line s{n}" x1="{at}" y1="20" x2="{at + 28}" y2="20"/>'
        yield f'<circle class="f{n}" cx="{at + 14}" cy="20" r="3"/>'
        yield text(at + 34, 24, name, "start")
        at += 56 + 7.2 * len(name)


def draw(panels, names, ticks):
    """SVG of one panel for each (title, series); a series is {size: ns} or empty, in the order of
    `names`. `ticks` are sizes."""
    every = [t for _, series in panels for s in series for t in s.values()]
    low, high = min(every) * 0.7, max(every) * 1.4
    times = [(v, label) for v, label in TIMES if low <= v <= high]
    width = LEFT + len(panels) * (PANEL_W + GAP)
    height = TOP + PANEL_H + BOTTOM
    yield (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img" '
           'aria-label="Time of one field against its length, for libfle and its peers">')
    yield f"<style>{STYLE}</style>"
    yield from legend(names)
    for i, (title, series) in enumerate(panels):
        left = LEFT + i * (PANEL_W + GAP)
        x = Axis(ticks[0] / 1.6, ticks[-1] * 1.6, left, left + PANEL_W)
        y = Axis(low, high, TOP + PANEL_H, TOP)
        yield text(left + PANEL_W / 2, TOP - 14, title, css="title")
        yield from grid(x, y, left, ticks, times, i == 0)
        yield text(left + PANEL_W / 2, TOP + PANEL_H + 38, "length of the value, bytes")
        for n, points in enumerate(series):
            if points:
                yield from curve(n, [(x(s), y(t)) for s, t in sorted(points.items())])
    yield "</svg>"
