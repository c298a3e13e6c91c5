# SPDX-License-Identifier: BSD-3-Clause
"""Error classes of the package, for what users may want to catch by name."""


class SavedModelError(ValueError):
    """A saved model cannot be loaded: files are missing or damaged, or hold what this version does not know."""


class UnreadableImageError(ValueError):
    """An image file cannot be read."""
