# SPDX-License-Identifier: BSD-3-Clause
"""Size of a report, the time that writing it takes, and that which a browser needs to open it.

    python -m benchmarks.speed.report --data DIR [--sets mnist_test cifar10] [--rows 10000] [--out FOLDER]

U-SENC clusters the pixels; the report shows 3,000 of the images on its map. "writing" includes the memberships of all
rows and the map, not the clustering. "opening" is the median of five loads in a new page of headless Chromium, from the
start of the navigation until the map has been drawn; "requests" are those beside the file itself. Needs the extra
``skdeepclust[browser]`` and a Chromium; without one the last three columns are empty.
"""

import argparse
import shutil
import statistics
import tempfile
import time
from pathlib import Path

from benchmarks.quality.datasets import DATASETS
from skdeepclust import USENC
from skdeepclust.report import write_report

CHROMIUM = ["chromium", "chromium-browser", "google-chrome"]
ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
N_LOADS = 5


def opening(path):
    """Median seconds until the map is drawn, requests beside the file, and messages on the console."""
    from playwright.sync_api import sync_playwright

    executable = next(filter(None, map(shutil.which, CHROMIUM)), None)
    if executable is None:
        raise ImportError("no Chromium on the path")
    seconds, requests, messages = [], [], []
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=executable, args=ARGUMENTS)
        for _ in range(N_LOADS):
            page = browser.new_page(viewport={"width": 1280, "height": 900})
            page.on("request", lambda r: requests.append(r.url) if not r.url.startswith(("data:", "file:")) else None)
            page.on("console", lambda message: messages.append(message.text))
            page.on("pageerror", lambda error: messages.append(str(error)))
            page.goto(path.resolve().as_uri())
            drawn = "new Promise(r => requestAnimationFrame(() => requestAnimationFrame(() => r(performance.now()))))"
            seconds.append(page.evaluate(drawn) / 1000)
            page.close()
        browser.close()
    return statistics.median(seconds), len(requests), len(messages)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=None)
    parser.add_argument("--sets", nargs="+", default=["mnist_test"], choices=sorted(DATASETS))
    parser.add_argument("--rows", type=int, default=10_000)
    parser.add_argument("--out", type=Path, default=None, help="where the reports are kept")
    arguments = parser.parse_args()
    folder = arguments.out or Path(tempfile.mkdtemp())
    folder.mkdir(parents=True, exist_ok=True)
    print("| images | MB | seconds of writing | of opening | requests | messages |\n|---|---|---|---|---|---|")
    for name in arguments.sets:
        X, y = (part[: arguments.rows] for part in DATASETS[name](arguments.data))
        flat = X.reshape(len(X), -1)
        model = USENC(10, random_state=0).fit(flat)
        started = time.perf_counter()
        names = [f"{name}_{i:05}.png" for i in range(len(X))]
        path = write_report(model, flat, folder / f"{name}.html", images=X, file_names=names, labels_true=y)
        written = time.perf_counter() - started
        try:
            opened, requests, messages = opening(path)
            cells = f"{opened:.2f} | {requests} | {messages}"
        except ImportError:
            cells = " | | "
        shape = " x ".join(map(str, X.shape))
        print(f"| {name}, {shape} | {path.stat().st_size / 1e6:.2f} | {written:.1f} | {cells} |", flush=True)


if __name__ == "__main__":
    main()
