# SPDX-License-Identifier: Apache-2.0
"""A line chart with two logarithmic axes as an SVG, from figures that a benchmark has just measured."""
import math
from xml.sax.saxutils import escape

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 720, 420, 90, 150, 60, 70
COLOURS = ["#0b6e4f", "#b3541e", "#4056a1", "#7a3e8e"]


def show_seconds(s):
    for unit, name in ((1, "s"), (1e-3, "ms"), (1e-6, "µs")):
        if s >= unit * 0.9999:
            return f"{s / unit:g} {name}"
    return f"{s:g} s"


def log_chart(path, title, note, x_label, series):
    """series: {name: [(x, seconds), ...]} with values above 0. Writes the file."""
    points = [p for line in series.values() for p in line]
    x_low, x_high = (math.log10(f(x for x, _ in points)) for f in (min, max))
    y_low = math.floor(math.log10(min(y for _, y in points)))
    y_high = math.ceil(math.log10(max(y for _, y in points)))

    def at_x(x):
        return LEFT + (math.log10(x) - x_low) / (x_high - x_low or 1) * (WIDTH - LEFT - RIGHT)

    def at_y(y):
        return HEIGHT - BOTTOM - (math.log10(y) - y_low) / (y_high - y_low or 1) * (HEIGHT - TOP - BOTTOM)

    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="13">',
           f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>',
           f'<text x="{LEFT}" y="24" font-size="16" font-weight="bold" fill="#222222">{escape(title)}</text>',
           f'<text x="{LEFT}" y="44" fill="#555555">{escape(note)}</text>']
    for e in range(y_low, y_high + 1):
        y = at_y(10.0 ** e)
        out.append(f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}" stroke="#dddddd"/>')
        out.append(f'<text x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end" fill="#333333">{show_seconds(10.0 ** e)}</text>')
    for x in sorted({x for x, _ in points}):
        out.append(f'<line x1="{at_x(x):.1f}" x2="{at_x(x):.1f}" y1="{TOP}" y2="{HEIGHT - BOTTOM}" stroke="#eeeeee"/>')
        out.append(f'<text x="{at_x(x):.1f}" y="{HEIGHT - BOTTOM + 20}" text-anchor="middle" fill="#333333">{x:,}</text>')
    out.append(f'<text x="{(LEFT + WIDTH - RIGHT) / 2}" y="{HEIGHT - 20}" text-anchor="middle" fill="#333333">{escape(x_label)}</text>')
    for colour, (name, line) in zip(COLOURS, series.items()):
        line = sorted(line)
        out.append(f'<polyline fill="none" stroke="{colour}" stroke-width="2.5" points="{" ".join(f"{at_x(x):.1f},{at_y(y):.1f}" for x, y in line)}"/>')
        out.extend(f'<circle cx="{at_x(x):.1f}" cy="{at_y(y):.1f}" r="4" fill="{colour}"/>' for x, y in line)
        out.append(f'<text x="{WIDTH - RIGHT + 12}" y="{at_y(line[-1][1]) + 4:.1f}" fill="{colour}" font-weight="bold">{escape(name)}</text>')
    out.append("</svg>")
    path.write_text("\n".join(out) + "\n")
