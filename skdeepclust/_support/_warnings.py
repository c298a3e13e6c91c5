# SPDX-License-Identifier: BSD-3-Clause
"""Warning classes of the package, so that each can be filtered by name."""


class SkdeepclustWarning(UserWarning):
    """Base class of every warning that skdeepclust raises."""


class ClusterCollapseWarning(SkdeepclustWarning):
    """Fewer clusters came out than were asked for."""


class FallbackWarning(SkdeepclustWarning):
    """The input did not fit the usual path; the message says what was done instead."""


class WeakRecipeWarning(SkdeepclustWarning):
    """The chosen training recipe is not expected to suit this input."""


class DeviceChangedWarning(SkdeepclustWarning):
    """A model runs on another kind of device than the one it was fitted on."""


class TrainingInterruptedWarning(SkdeepclustWarning):
    """Ctrl-C ended a training before its time; the network is kept as it was."""


class UniformTargetWarning(SkdeepclustWarning):
    """Targets made of a network's own assignments made these less certain, not more."""


class UnreadableImageWarning(SkdeepclustWarning):
    """Image files could not be read and were left out."""
