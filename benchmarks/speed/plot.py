# SPDX-License-Identifier: BSD-3-Clause
"""One picture of seconds against the number of rows, both logarithmic, with a panel for each case."""

from .tables import series

OURS_FIRST = ("EntropyWeightedConsensus", "USENC", "USPEC")


def panels(records):
    """{case: {line label: [(n, seconds)]}}; data in one size only are shown where there is nothing else."""
    out = {}
    for case in ("consensus", "uspec", "usenc"):
        lines = {f"{label} ({problem})": points for (problem, label, _), points in series(records, case).items()}
        growing = {label: points for label, points in lines.items() if len(points) > 1}
        if lines:
            out[case] = growing or lines
    return out


def draw(records, path):
    """Write the picture to `path`; its ending says in which format."""
    from matplotlib.figure import Figure

    found = panels(list(records))
    if not found:
        raise ValueError("There are no results of consensus, uspec or usenc to plot; name one of them in --cases.")
    figure = Figure(figsize=(6.5 * len(found), 5.5), layout="constrained")
    for axes, (case, lines) in zip(figure.subplots(1, len(found), squeeze=False)[0], found.items(), strict=True):
        for label in sorted(lines, key=lambda name: (not name.startswith(OURS_FIRST), name)):
            ours = label.startswith(OURS_FIRST)
            axes.loglog(*zip(*lines[label], strict=True), "o-" if ours else "s--", lw=2.5 if ours else 1, label=label)
        axes.set(title=case, xlabel="rows", ylabel="seconds")
        axes.grid(alpha=0.3, which="both")
        axes.legend(fontsize=7)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=150)
