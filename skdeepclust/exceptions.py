# SPDX-License-Identifier: BSD-3-Clause
"""Warnings and errors of the package, so that each can be filtered or caught by name."""

from ._support._errors import SavedModelError, UnreadableImageError
from ._support._warnings import (
    ClusterCollapseWarning,
    DeviceChangedWarning,
    FallbackWarning,
    SkdeepclustWarning,
    TrainingInterruptedWarning,
    UniformTargetWarning,
    UnreadableImageWarning,
    WeakRecipeWarning,
)

__all__ = [
    "ClusterCollapseWarning",
    "DeviceChangedWarning",
    "FallbackWarning",
    "SavedModelError",
    "SkdeepclustWarning",
    "TrainingInterruptedWarning",
    "UniformTargetWarning",
    "UnreadableImageError",
    "UnreadableImageWarning",
    "WeakRecipeWarning",
]
