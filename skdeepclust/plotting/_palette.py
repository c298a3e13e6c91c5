# SPDX-License-Identifier: BSD-3-Clause
"""Colours of clusters."""

# The first six are near those of Okabe and Ito. Each of the others is the colour of a fine grid that is farthest from
# all before it, in Oklab, for the eye that sees it nearest: normal, without red, green or blue cones (the matrices of
# Machado, Oliveira and Fernandes, 2009). Luminance lies within 0.075 and 0.47: visible on white and on near black.
PALETTE = (
    "#0078b4", "#d25a00", "#00a578", "#d278a5", "#e1a500", "#5ab4f0", "#961e3c", "#5a00f0", "#a569ff", "#5a4b78",
    "#965a69", "#c3b487", "#8700b4", "#b43c1e", "#e12dd2", "#f0695a", "#ff78d2", "#c32da5", "#005a4b", "#a587ff",
    "#963cff", "#785a87", "#b45a4b", "#e1870f", "#a50f00", "#a56987", "#d296a5", "#3c87d2", "#a51ed2", "#ff87ff",
)  # fmt: skip


def cluster_colors(n_clusters):
    """Hexadecimal colours of clusters 0, 1, ...; they repeat after 30, so no picture tells clusters by colour alone."""
    return [PALETTE[i % len(PALETTE)] for i in range(n_clusters)]
