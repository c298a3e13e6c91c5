# SPDX-License-Identifier: BSD-3-Clause
"""What is to be measured: one method on one problem, once."""

import json
from dataclasses import asdict, dataclass, field


@dataclass(frozen=True)
class Measurement:
    """One run of one method, in a process of its own.

    Attributes
    ----------
    case : str
        The table it belongs to.
    method : str
        A name in ``methods.METHODS``.
    problem : dict
        ``{"data": a name in problems.PROBLEMS, "rows": n, ...}``; further entries are options of the problem.
    task : dict
        Options of the method that are part of the question, the same for all methods compared.
    repeat : int
        Number of the run, and the seed of the method; the data are the same in every run.
    memory_limit : int or None
        Bytes of private memory that the process may use.
    """

    case: str
    method: str
    problem: dict
    task: dict = field(default_factory=dict)
    repeat: int = 0
    memory_limit: int | None = None

    def as_dict(self):
        return asdict(self)

    def key(self):
        """Its name in a results file."""
        return json.dumps(self.as_dict(), sort_keys=True)
