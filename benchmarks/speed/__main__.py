# SPDX-License-Identifier: BSD-3-Clause
"""How fast, with how much memory, and how well: ours and the peers on the same data in the same run.

    python -m benchmarks.speed --cases consensus uspec --data DIR --out speed.json --plot speed.png

Every measurement runs in a fresh process and is written as it comes; what the file already holds is skipped unless
--force is given, failures are tried again. --quick tries everything on 2,000 rows.
"""

import argparse
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

from . import results
from .cases import CASES, QUICK_ROWS, is_ours, limits_measurement, planned
from .methods import METHODS, OURS
from .runner import run_child
from .tables import disagreements, report


def gave_up_before(wanted, given_up):
    """Whether the same method ran out of time or memory on the same data with as many rows or fewer."""

    def question(case, method, problem):
        return case, method, {name: value for name, value in problem.items() if name != "rows"}

    return any(
        question(record["case"], record["method"], record["problem"])
        == question(wanted.case, wanted.method, wanted.problem)
        and record["problem"]["rows"] <= wanted.problem["rows"]
        for record in given_up
    )


def pending(args, done):
    """Measurements still to be taken, repeat by repeat, so that a slow hour of the machine falls on all methods."""
    first = planned(args.cases, max_rows=args.rows, methods=args.methods, octave=args.octave is not None)
    every = [replace(wanted, repeat=repeat) for repeat in range(args.repeat) for wanted in first]
    failed = {key for key, record in done.items() if "error" in record and not record.get("over_limit")}
    return [wanted for wanted in every if args.force or wanted.key() not in done or wanted.key() in failed]


def run(args, scratch):
    """Take all measurements that are missing; return all records by key."""
    folders = {"data": args.data, "octave": args.octave, "scratch": scratch}
    folders = {name: None if folder is None else str(Path(folder).resolve()) for name, folder in folders.items()}
    done = results.read(args.out)
    wanted = pending(args, done)
    if wanted:
        wanted.insert(0, limits_measurement(args.quick))  # the machine as it is today
    given_up = [] if args.force else [record for record in done.values() if record.get("over_limit")]
    for number, measurement in enumerate(wanted):
        if gave_up_before(measurement, given_up):
            continue
        limit = None if is_ours(measurement) or measurement.case == "limits" else args.limit
        record = run_child(measurement, folders, limit)
        if record.get("over_limit"):
            given_up.append(record)
        done[measurement.key()] = record
        if args.out is not None:
            # Read again: another run may have written to the same file meanwhile.
            done = results.read(args.out) | {measurement.key(): record}
            results.write(args.out, done)
        found = f"{record['seconds']:.3g} s" if "seconds" in record else record.get("error", "measured")
        words = f"{measurement.case}: {measurement.method}, {measurement.problem}, run {measurement.repeat}: {found}"
        print(f"[{number + 1}/{len(wanted)}] {words}", file=sys.stderr)
    return done


def has_failed(record):
    """A peer may run out of time or memory; ours may not."""
    return "error" in record and (record["method"] in OURS or not record.get("over_limit"))


def parse(arguments):
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.speed", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--cases", nargs="+", choices=sorted(CASES), default=sorted(CASES), metavar="CASE")
    parser.add_argument("--methods", nargs="+", choices=sorted(METHODS), metavar="METHOD", help="these only")
    parser.add_argument("--data", type=Path, help="folder of mnist.npz, with the keys X and y")
    parser.add_argument("--octave", type=Path, help="folder of the authors' USPEC.m and USENC.m, run in GNU Octave")
    parser.add_argument("--scratch", type=Path, help="folder for large files, which are removed at the end")
    parser.add_argument("--out", type=Path, help="results file, JSON; without it nothing is kept")
    parser.add_argument("--plot", type=Path, help="picture of seconds against rows")
    parser.add_argument("--rows", type=int, help="cut larger problems down to this number of rows")
    parser.add_argument("--repeat", type=int, default=3, help="runs of each method, each with a seed of its own")
    parser.add_argument("--limit", type=float, default=1800, help="seconds after which a run of a peer is given up")
    parser.add_argument("--force", action="store_true", help="measure again what the file already holds")
    parser.add_argument("--table", action="store_true", help="measure nothing, print the tables of the file")
    parser.add_argument("--quick", action="store_true", help=f"one run on {QUICK_ROWS:,} rows: does everything work?")
    args = parser.parse_args(arguments)
    if args.quick:
        args.rows, args.repeat = min(args.rows or QUICK_ROWS, QUICK_ROWS), 1
    return args


def main(arguments=None):
    args = parse(arguments)
    if args.table:
        done = results.read(args.out)
    else:
        with tempfile.TemporaryDirectory(dir=args.scratch) as scratch:
            done = run(args, scratch)
    print(report(done.values()))
    if args.plot is not None:
        from .plot import draw

        draw(done.values(), args.plot)
    return int(any(has_failed(record) for record in done.values()) or bool(disagreements(done.values())))


if __name__ == "__main__":
    sys.exit(main())
