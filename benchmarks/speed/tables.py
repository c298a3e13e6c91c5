# SPDX-License-Identifier: BSD-3-Clause
"""Markdown tables of a results file: medians over the repeats, ratios, growth, and the least the machine allows."""

import json
import math
from collections import defaultdict
from statistics import median

import numpy as np

from .limits import bound_seconds

YARDSTICK = {
    "consensus": "EntropyWeightedConsensus",
    "growth_in_k": "EntropyWeightedConsensus",
    "growth_in_m": "EntropyWeightedConsensus",
    "kernels": "kernel",
    "memmap": "USENC, in memory",
    "usenc": "USPEC",
    "uspec": "USPEC",
}
SAME_RESULT = ("kernels", "memmap")  # where methods must agree exactly
HEAD = ["problem", "n", "method", "runs", "seconds", "ratio", "NMI", "NMI (max)", "peak MiB", "bound s", "of bound"]


def label_of(record):
    """Name of a row: the method, and how it got its data where that is the question."""
    name = record["method"]
    if record["case"] == "memmap":
        name += ", memory map" if record["problem"]["mapped"] else ", in memory"
        if record["memory_limit"] is not None:
            name += f", at most {record['memory_limit'] / 1e9:g} GB"
    return name


def problem_of(record):
    """Key of the question that a record answers; what differs between the methods compared is left out."""
    problem = {name: value for name, value in record["problem"].items() if name != "mapped"}
    return json.dumps([problem, record["task"]], sort_keys=True)


def text_of(record, without=None):
    """The question in words; `without` names an option to leave out."""
    problem, task = record["problem"], record["task"]
    words = [str(problem.get("name", problem["data"]))]
    if "clusterings" in problem and without != "clusterings":
        words.append(f"M = {problem['clusterings']}")
    if "clusters" in problem and without != "clusters":
        words.append("k = {} to {}".format(*problem["clusters"]))
    words += [f"{name} = {value}" for name, value in task.items()]
    return ", ".join(words)


def by_size(record):
    """Sorts records by data and task, then by size."""
    problem = record["problem"]
    name, task = problem.get("name", problem["data"]), str(record["task"])
    return name, task, problem["rows"], problem.get("clusterings", 0), problem.get("clusters", [])


def grouped(records, case):
    """{problem: {row label: records}}, problems by size."""
    groups = defaultdict(lambda: defaultdict(list))
    for record in sorted((record for record in records if record["case"] == case), key=by_size):
        groups[problem_of(record)][label_of(record)].append(record)
    return groups


def good(runs):
    return [run for run in runs if "error" not in run]


def median_of(runs, field):
    """Median of a field over the runs that have it, or None."""
    values = [run[field] for run in good(runs) if run.get(field) is not None]
    return median(values) if values else None


def same_result(here, there):
    """Whether two runs gave the same labels, or the same matrix up to rounding."""
    if "labels_sha256" in here:
        return here["labels_sha256"] == there["labels_sha256"]
    return math.isclose(here["fingerprint"], there["fingerprint"], rel_tol=1e-9)


def agreement(runs, reference):
    """Whether a method gave the result of its yardstick in every repeat that both have."""
    expected = {run["repeat"]: run for run in good(reference)}
    found = [same_result(run, expected[run["repeat"]]) for run in good(runs) if run["repeat"] in expected]
    return "-" if not found else "yes" if all(found) else "NO"


def disagreements(records):
    """Rows of methods that should have given the result of their yardstick and have not."""
    return [
        (case, text_of(runs[0]), name)
        for case in SAME_RESULT
        for methods in grouped(records, case).values()
        for name, runs in methods.items()
        if agreement(runs, methods.get(YARDSTICK[case], [])) == "NO"
    ]


def show(value, form):
    return "-" if value is None else format(value, form)


def row(runs, reference, limits):
    """Cells of one method on one problem, from the number of runs on."""
    if not good(runs):
        return ["0", runs[-1]["error"].splitlines()[0][:80], *["-"] * 6]
    seconds, yardstick = median_of(runs, "seconds"), median_of(reference, "seconds")
    bound = bound_seconds(good(runs)[0]["work"], limits) if limits and "work" in good(runs)[0] else None
    return [
        str(len(good(runs))),
        show(seconds, ".4g"),
        show(yardstick and seconds / yardstick, ".3g"),
        show(median_of(runs, "nmi"), ".4f"),
        show(median_of(runs, "nmi_max"), ".4f"),
        show(median_of(runs, "peak_mib"), ",.0f"),
        show(bound, ".3g"),
        show(bound and bound / seconds, ".1%"),
    ]


def table(records, case, limits):
    """Lines of the table of a case."""
    head = HEAD + ["same result"] * (case in SAME_RESULT) + ["peak private MiB"] * (case == "memmap")
    lines = ["| " + " | ".join(head) + " |", "|---" * len(head) + "|"]
    for methods in grouped(records, case).values():
        reference = methods.get(YARDSTICK[case], [])
        for name in sorted(methods, key=lambda name: (name != YARDSTICK[case], name)):
            runs = methods[name]
            first = (good(runs) or runs)[0]
            problem = text_of(first) + (f", q = {first['clusters']}" if "clusters" in first else "")
            cells = [problem, f"{first['problem']['rows']:,}", name, *row(runs, reference, limits)]
            if case in SAME_RESULT:
                cells.append(agreement(runs, reference))
            if case == "memmap":
                cells.append(show(median_of(runs, "peak_private_mib"), ",.0f"))
            lines.append("| " + " | ".join(cells) + " |")
    return lines


def exponent(sizes, seconds):
    """a of ``seconds = c size^a`` by least squares of the logarithms."""
    return float(np.polyfit(np.log(sizes), np.log(seconds), 1)[0])


def size_of(record):
    """What grows in the series of a case, and its value here."""
    if record["case"] == "growth_in_m":
        return "M", record["problem"]["clusterings"]
    if record["case"] == "growth_in_k":
        return "number of base clusters", record["clusters"]
    return "n", record["problem"]["rows"]


def series(records, case):
    """{(problem without its size, row label, what grows): [(size, median seconds)]}, ascending."""
    growing = {"growth_in_m": "clusterings", "growth_in_k": "clusters"}.get(case, "rows")
    runs = defaultdict(lambda: defaultdict(list))
    for record in records:
        if record["case"] == case and "error" not in record:
            name, size = size_of(record)
            problem = text_of(record, without=growing)
            runs[problem, label_of(record), name][size].append(record)
    return {
        line: [(size, median_of(sizes[size], "seconds")) for size in sorted(sizes)]
        for line, sizes in sorted(runs.items())
    }


def growth_lines(records, case):
    """How the seconds of each method grow, wherever there are three sizes or more."""
    lines = []
    for (problem, label, name), points in series(records, case).items():
        if len(points) >= 3:
            a = exponent(*zip(*points, strict=True))
            lines.append(f"* {problem}, {label}: seconds grow as ({name})^{a:.2f}, {len(points)} sizes")
    return lines


def limits_line(limits):
    return (
        f"Machine: copy {limits['copy_gb_s']:.1f} GB/s, read {limits['read_gb_s']:.1f} GB/s with {limits['cores']} "
        f"threads, float32 matrix product {limits['gflop_s']:.0f} GFLOP/s. {limits['machine'].get('model') or ''}"
    )


def warm_up_lines(records):
    """Median seconds before the first measured run, by method."""
    runs = defaultdict(list)
    for record in records:
        if "warm_up_s" in record:
            runs[record["method"]].append(record["warm_up_s"])
    return [f"| {name} | {median(values):.2f} | {max(values):.2f} |" for name, values in sorted(runs.items())]


def report(records):
    """The whole text."""
    records = list(records)
    limits = next((r for r in records if r["case"] == "limits" and "error" not in r), None)
    lines = [limits_line(limits), ""] if limits else []
    for case in YARDSTICK:
        if any(record["case"] == case for record in records):
            lines += [f"### {case}", "", *table(records, case, limits), "", *growth_lines(records, case), ""]
    head = ["### warm-up", "", "| method | seconds to import, compile and run once | most |", "|---|---|---|"]
    return "\n".join([*lines, *head, *warm_up_lines(records)])
