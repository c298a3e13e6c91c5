# SPDX-License-Identifier: BSD-3-Clause
"""The report in headless Chromium; skipped without Chromium or playwright (extra ``skdeepclust[browser]``)."""

import shutil

import numpy as np
import pytest
from sklearn.datasets import load_digits

from skdeepclust.report import write_report

pytest.importorskip("jinja2")
pytest.importorskip("PIL")
sync_api = pytest.importorskip("playwright.sync_api")
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on the path")

ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
DIGITS = (load_digits().images[:60] * 15).astype(np.uint8)
EVIL = "<img src=x onerror=window.caught=1>"


@pytest.fixture(scope="module")
def report(tmp_path_factory, given):
    certainty = np.linspace(0.4, 1.0, 60)
    membership = np.repeat((1 - certainty)[:, None] / 2, 3, axis=1)
    membership[np.arange(60), np.arange(60) % 3] = certainty
    path = tmp_path_factory.mktemp("browser") / "report.html"
    names = [f"{EVIL}{i}" for i in range(60)]
    truth = load_digits().target[:60]
    return write_report(given(membership), DIGITS, path, file_names=names, labels_true=truth, title="Digits")


@pytest.fixture(scope="module")
def browser():
    with sync_api.sync_playwright() as play:
        browser = play.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture(params=[("light", 1280), ("dark", 1280), ("light", 390), ("dark", 390)], ids=lambda p: f"{p[0]} {p[1]}")
def page(request, browser, report):
    """The page in one scheme and width; whatever it asks for or complains about is an error."""
    scheme, width = request.param
    context = browser.new_context(color_scheme=scheme, viewport={"width": width, "height": 844})
    context.set_default_timeout(120_000)  # not a matter of time: a busy machine may take long
    page = context.new_page()
    complaints = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", lambda r: complaints.append(r.url) if not r.url.startswith("data:") else None)
    page.goto(report.as_uri())
    yield page
    assert complaints == [report.as_uri()]
    assert page.evaluate("window.caught") is None
    context.close()


def drawn(page):
    """Colours on the canvas beside its ground, as a set of (red, green, blue)."""
    return set(
        map(
            tuple,
            page.evaluate(
                """() => {
                const c = document.getElementById("map");
                const copy = Object.assign(document.createElement("canvas"), {width: c.width, height: c.height});
                const context = copy.getContext("2d", {willReadFrequently: true});
                context.drawImage(c, 0, 0);
                const d = context.getImageData(0, 0, c.width, c.height).data;
                const found = new Map();
                for (let i = 0; i < d.length; i += 4)
                    if (d[i + 3] > 200) found.set(d.slice(i, i + 3).join(), [...d.slice(i, i + 3)]);
                return [...found.values()];
            }"""
            ),
        )
    )


def test_everything_on_the_page_works(page, tmp_path):
    """One visit for each scheme and width: starting pages is what takes the time."""
    # Nothing is wider than the window, and the map is drawn.
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert len(drawn(page)) > 5

    # The pointer on a point shows its image and its name, as text.
    tip, canvas = page.locator("#tip"), page.locator("#map")
    canvas.scroll_into_view_if_needed()
    assert tip.is_hidden()
    canvas.focus()
    page.keyboard.press("ArrowRight")
    by_key = tip.inner_text()
    assert EVIL in by_key
    assert "cluster" in by_key
    thumb = page.locator("#tip .thumb").bounding_box()
    assert thumb["width"] >= 80
    background = page.locator("#tip .thumb").evaluate("e => getComputedStyle(e).backgroundImage")
    assert background.startswith('url("data:image/webp')
    page.keyboard.press("Escape")
    assert tip.is_hidden()
    box = canvas.bounding_box()
    for step in range(0, 400, 4):  # along a diagonal, until there is a point
        page.mouse.move(box["x"] + box["width"] * step / 400, box["y"] + box["height"] * step / 400)
        if tip.is_visible():
            break
    assert EVIL in tip.inner_text()

    # The legend highlights a cluster and lets go of it again.
    page.mouse.move(0, 0)
    before = drawn(page)
    button = page.locator("#legend button").nth(1)
    button.press("Enter")
    assert button.get_attribute("aria-pressed") == "true"
    highlighted = drawn(page)
    assert len(highlighted) < len(before)
    button.press("Enter")
    assert button.get_attribute("aria-pressed") == "false"

    # Other colours
    page.locator("#color").select_option("truth")
    assert drawn(page) != before
    page.locator("#color").select_option("label")

    # Members: one stop of the tab key, arrows go on.
    strip = page.locator(".members").first
    strip.locator(".thumb").first.focus()
    first = tip.inner_text()
    page.keyboard.press("ArrowRight")
    assert tip.inner_text() != first
    assert strip.locator(".thumb[tabindex='0']").count() == 1

    picture = tmp_path / "report.png"
    page.screenshot(path=picture, full_page=True)
    assert picture.read_bytes().startswith(b"\x89PNG")
