# SPDX-License-Identifier: BSD-3-Clause
"""Charts as shapes in the coordinates of a drawing; chart.html writes them as SVG."""

from dataclasses import dataclass, field

import numpy as np

WIDTH, HEIGHT = 400, 250
TOP, RIGHT, BOTTOM, LEFT = 24, 14, 38, 46


@dataclass
class Chart:
    """A drawing of 400 by 250: axes, and lines, dots, bars and upright rules on them.

    Attributes
    ----------
    title : str
    summary : str
        What is to be seen, in words.
    x_label, y_label : str
    x_range, y_range : tuple of (float, float)
        Values at the ends of the axes.
    left : int
        Room for what stands left of the plot.
    names : list of (str, str)
        Colour and text of a legend.
    """

    title: str
    summary: str
    x_label: str
    y_label: str
    x_range: tuple[float, float]
    y_range: tuple[float, float]
    left: int = LEFT
    names: list = field(default_factory=list)
    lines: list = field(default_factory=list)
    dots: list = field(default_factory=list)
    bars: list = field(default_factory=list)
    rules: list = field(default_factory=list)
    x_ticks: list = field(default_factory=list)
    y_ticks: list = field(default_factory=list)

    width, height = WIDTH, HEIGHT
    top, right, bottom = TOP, WIDTH - RIGHT, HEIGHT - BOTTOM

    def x(self, value):
        low, high = self.x_range
        return round(self.left + (value - low) / ((high - low) or 1.0) * (self.right - self.left), 1)

    def y(self, value):
        low, high = self.y_range
        return round(self.bottom - (value - low) / ((high - low) or 1.0) * (self.bottom - self.top), 1)

    def with_ticks(self, x=True, y=True):
        if x:
            self.x_ticks = [(self.x(v), f"{v:g}") for v in nice_ticks(*self.x_range)]
        if y:
            self.y_ticks = [(self.y(v), f"{v:g}") for v in nice_ticks(*self.y_range)]
        return self


def nice_ticks(low, high, n_ticks=5):
    """Multiples of 1, 2 or 5 times a power of ten within [low, high], about `n_ticks` of them."""
    span = high - low
    if span <= 0:
        return [low]
    power = 10.0 ** np.floor(np.log10(span / n_ticks))
    step = next(power * m for m in (1, 2, 5, 10) if span / (power * m) <= n_ticks)
    ticks = np.arange(np.ceil(low / step - 1e-9), np.floor(high / step + 1e-9) + 1) * step
    return [round(float(v), 10) + 0.0 for v in ticks]


def histogram(values, title, x_label, y_label, n_bins=20):
    """How often values in [0, 1] lie in each of equal bins."""
    counts, edges = np.histogram(values, bins=n_bins, range=(0.0, 1.0))
    low = np.searchsorted(np.sort(values), 0.5) / len(values)
    summary = f"{title}: median {np.median(values):.2f}; {low:.0%} of the rows lie below 0.5."
    chart = Chart(title, summary, x_label, y_label, (0.0, 1.0), (0.0, float(counts.max())))
    floor = chart.y(0)
    for count, left, right in zip(counts, edges[:-1], edges[1:], strict=True):
        tip = f"{left:.2f} to {right:.2f}: {count:,}"
        x, y = chart.x(left), chart.y(count)
        chart.bars.append((x + 0.5, y, round(chart.x(right) - x - 1, 1), round(floor - y, 1), tip))
    return chart.with_ticks()


def line_chart(curves, colors, title, x_label, y_label, y_range=None):
    """Curves by name, each a pair (abscissae, values)."""
    x, y = (np.concatenate([curve[i] for curve in curves.values()]) for i in (0, 1))
    y_range = y_range or (min(0.0, float(y.min())), float(y.max()))
    ends = "; ".join(f"{name} from {c[1][0]:.3g} to {c[1][-1]:.3g}" for name, c in curves.items())
    chart = Chart(title, f"{title}: {ends}.", x_label, y_label, (float(x.min()), float(x.max())), y_range)
    for (name, curve), color in zip(curves.items(), colors, strict=True):
        chart.lines.append((color, " ".join(f"{chart.x(a)},{chart.y(b)}" for a, b in zip(*curve, strict=True))))
        chart.names.append((color, name))
        if len(curve[0]) == 1:
            chart.dots.append((chart.x(curve[0][0]), chart.y(curve[1][0]), color, False, name))
    return chart.with_ticks()


def spectrum_chart(spectrum, n_clusters, title, x_label, y_label, color):
    """Leading eigenvalues, with a rule behind the k-th."""
    k = np.arange(1, len(spectrum) + 1)
    low = float(min(spectrum.min(), 0.9))
    summary = f"{title}: eigenvalue {n_clusters} is {spectrum[min(n_clusters, len(k)) - 1]:.3f}"
    if n_clusters < len(k):
        summary += f", the next {spectrum[n_clusters]:.3f}"
    chart = Chart(title, f"{summary}.", x_label, y_label, (0.0, float(len(k) + 1)), (low, 1.0))
    for i, mu in zip(k, spectrum, strict=True):
        chart.dots.append((chart.x(i), chart.y(mu), color, bool(i > n_clusters), f"{i}: {mu:.4f}"))
    chart.rules.append((chart.x(n_clusters + 0.5), f"k = {n_clusters}"))
    return chart.with_ticks()


def dot_rows(values, groups, names, hollow, tips, colors, title, x_label):
    """Values in rows by group, with the mean of each row as a bar."""
    known = values[~np.isnan(values)]
    low, high = float(known.min()), float(known.max())
    margin = 0.05 * (high - low) or 0.05
    means = {g: values[(groups == g) & ~np.isnan(values)] for g in range(len(names))}
    words = "; ".join(f"{names[g]} {mean.mean():.2f}" for g, mean in means.items() if len(mean))
    left = 14 + int(6.2 * max(map(len, names)))
    rows = (len(names) - 0.5, -0.5)
    chart = Chart(f"{title}", f"{title}, means: {words}.", x_label, "", (low - margin, high + margin), rows, left)
    for g, color in enumerate(colors):
        mine = np.flatnonzero((groups == g) & ~np.isnan(values))
        heights = g + np.linspace(-0.3, 0.3, len(mine)) * (len(mine) > 1)
        if len(mine):
            x = chart.x(values[mine].mean())
            chart.lines.append((color, f"{x},{chart.y(g - 0.42)} {x},{chart.y(g + 0.42)}"))
        for m, height in zip(mine, heights, strict=True):
            chart.dots.append((chart.x(values[m]), chart.y(height), color, bool(hollow[m]), tips[m]))
    chart.with_ticks(y=False)
    chart.y_ticks = [(chart.y(g), name) for g, name in enumerate(names)]
    return chart
