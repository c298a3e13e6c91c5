# SPDX-License-Identifier: BSD-3-Clause
"""Parameter checks whose messages name the parameter, the value and the fix.

Every function returns the checked value. A wrong type is a ``TypeError``, a wrong value a ``ValueError``.
"""

from numbers import Integral, Real

import numpy as np


def _interval(low, high, closed_low=True):
    parts = []
    if low is not None:
        parts.append(f"{'>=' if closed_low else '>'} {low}")
    if high is not None:
        parts.append(f"<= {high}")
    return " and ".join(parts)


def _sentence(name, wanted, value, hint):
    hint = f" {hint}" if hint else ""
    return f"{name} must be {wanted}; got {value!r}.{hint}"


def check_integer(name, value, low=None, high=None, hint=""):
    """Return `value` as an int within [low, high]."""
    wanted = f"an integer {_interval(low, high)}".rstrip()
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, Integral):
        raise TypeError(_sentence(name, wanted, value, hint))
    if (low is not None and value < low) or (high is not None and value > high):
        raise ValueError(_sentence(name, wanted, value, hint))
    return int(value)


def check_real(name, value, low=None, high=None, closed_low=True, hint=""):
    """Return `value` as a finite float within the interval; `closed_low` says whether `low` itself is allowed."""
    wanted = f"a number {_interval(low, high, closed_low)}".rstrip()
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, Real):
        raise TypeError(_sentence(name, wanted, value, hint))
    below = low is not None and (value < low or (value == low and not closed_low))
    if not np.isfinite(value) or below or (high is not None and value > high):
        raise ValueError(_sentence(name, wanted, value, hint))
    return float(value)


def check_choice(name, value, choices, hint=""):
    """Return `value` if it is one of `choices`."""
    wanted = "one of " + ", ".join(repr(c) for c in choices)
    if not isinstance(value, type(None) | str | bool | int | float):
        raise TypeError(_sentence(name, wanted, value, hint))
    if value not in choices:
        raise ValueError(_sentence(name, wanted, value, hint))
    return value


def check_integer_range(name, value, low=None, high=None, hint=""):
    """Return `value`, a pair (first, last) with low <= first <= last <= high, as two ints."""
    both = _interval(low, high)
    wanted = "a pair of integers (low, high) with low <= high" + (f", both {both}" if both else "")
    if isinstance(value, str) or not hasattr(value, "__len__") or len(value) != 2:
        raise TypeError(_sentence(name, wanted, value, hint))
    first, last = value
    for v in (first, last):
        if isinstance(v, (bool, np.bool_)) or not isinstance(v, Integral):
            raise TypeError(_sentence(name, wanted, value, hint))
    if first > last or (low is not None and first < low) or (high is not None and last > high):
        raise ValueError(_sentence(name, wanted, value, hint))
    return int(first), int(last)


def draw_seed(random_state):
    """One integer seed: `random_state` itself if it is an int, one draw if it is a generator, fresh if it is None.

    None takes entropy from the system, so that the global generator of numpy is left as it was.

    An int is handed down unchanged, so that a pipeline whose steps share ``random_state=0`` equals the one
    estimator with ``random_state=0``.
    """
    from sklearn.utils import check_random_state

    if isinstance(random_state, Integral) and not isinstance(random_state, bool):
        return int(check_integer("random_state", random_state, low=0, high=2**32 - 1))
    if random_state is None:
        return int(np.random.SeedSequence().generate_state(1)[0])
    return int(check_random_state(random_state).randint(np.iinfo(np.int32).max))
