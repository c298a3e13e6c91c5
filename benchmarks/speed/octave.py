# SPDX-License-Identifier: BSD-3-Clause
"""Run the MATLAB code of the authors of U-SPEC and U-SENC in GNU Octave, from a folder of the user's.

The folder holds ``USPEC.m`` and ``USENC.m`` as published; nothing of them is part of this repository. Both are called
with the data and the number of clusters only: the order of their other arguments has changed between releases, and
their defaults are those of the paper (p = 1000, K = 5, M = 20).
"""

import shutil
import subprocess
import tempfile
from pathlib import Path

import numpy as np
import scipy.io

from .methods import Timed

DRIVER = r"""
1;
function mib = memory_of(field)
  found = regexp(fileread('/proc/self/status'), [field ':\s+(\d+)'], 'tokens');
  if isempty(found)
    mib = NaN;
  else
    mib = str2double(found{{1}}{{1}}) / 1024;
  end
end
warning('off', 'all');
try
  pkg('load', 'statistics');
catch
end
addpath('{code}');
given = load('{folder}/given.mat');
mark = fopen('/proc/self/clear_refs', 'w');
if mark >= 0
  fputs(mark, '5');
  fclose(mark);
end
before = memory_of('VmRSS');
clock_start = tic;
labels = {function}(given.X, given.k);
seconds = toc(clock_start);
peak = memory_of('VmHWM') - before;
save('-v6', '{folder}/found.mat', 'labels', 'seconds', 'peak');
"""


def find_octave():
    """Path of the program."""
    program = shutil.which("octave-cli") or shutil.which("octave")
    if program is None:
        raise FileNotFoundError("GNU Octave is not on PATH: install it with its package 'statistics'.")
    return program


def run_octave(function, X, n_clusters, folders):
    """Labels, seconds and memory of ``function(X, n_clusters)``; the seconds are those between tic and toc."""
    if folders.get("octave") is None:
        raise ValueError("The authors' code is looked for in a folder: give it with --octave.")
    code = Path(folders["octave"]).resolve()
    if not (code / f"{function}.m").exists():
        raise FileNotFoundError(f"{code} has no {function}.m; give the folder of the authors' code with --octave.")
    program = find_octave()
    with tempfile.TemporaryDirectory(dir=folders.get("scratch")) as folder:
        scipy.io.savemat(Path(folder) / "given.mat", {"X": np.asarray(X, dtype=np.float64), "k": float(n_clusters)})
        script = Path(folder) / "driver.m"
        script.write_text(DRIVER.format(code=code, folder=folder, function=function), encoding="utf-8")
        done = subprocess.run(
            [program, "--no-gui", "--quiet", "--no-init-file", str(script)], capture_output=True, text=True, check=False
        )
        if done.returncode != 0:
            raise RuntimeError(f"Octave failed: {done.stderr.strip()[-500:]}")
        found = scipy.io.loadmat(Path(folder) / "found.mat")
    version = subprocess.run([program, "--version"], capture_output=True, text=True, check=False).stdout
    peak = found["peak"].item()
    facts = {"octave": version.splitlines()[0]}
    labels = found["labels"].reshape(-1).astype(np.int64)
    return Timed(labels, found["seconds"].item(), None if np.isnan(peak) else peak, facts)
