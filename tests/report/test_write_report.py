# SPDX-License-Identifier: BSD-3-Clause
import io
import re
import sys
from base64 import b64decode

import numpy as np
import pytest
from scipy.sparse import csr_array
from sklearn.datasets import load_digits, make_blobs
from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score

import skdeepclust
from skdeepclust import (
    USENC,
    USPEC,
    AnchorContrastiveClustering,
    ContrastiveClustering,
    DeepClusterEnsemble,
    EntropyWeightedConsensus,
    IcicleGCN,
    PathIntegralClustering,
    TransferCut,
)
from skdeepclust.metrics import clustering_accuracy
from skdeepclust.report import write_report

pytest.importorskip("jinja2")
pillow = pytest.importorskip("PIL.Image")

X, Y = make_blobs(60, n_features=4, centers=3, random_state=0)
DIGITS = (load_digits().images[:60] * 15).astype(np.uint8)
TRAINING = {"max_epochs": 1, "batch_size": 30, "device": "cpu", "random_state": 0}
EVIL = "<img src=x onerror=alert(1)></script><!--&\"'"
quiet = pytest.mark.filterwarnings("ignore::skdeepclust._support._warnings.SkdeepclustWarning")


def memberships(n, n_clusters=3):
    """Row i is in cluster i mod n_clusters, the later the more certain."""
    certainty = np.linspace(0.4, 1.0, n)
    out = np.repeat((1 - certainty)[:, None] / (n_clusters - 1), n_clusters, axis=1)
    out[np.arange(n), np.arange(n) % n_clusters] = certainty
    return out


def facts(found):
    return dict(zip([t for _, t in found.all("dt")], [t for _, t in found.all("dd")], strict=True))


@pytest.fixture(scope="module")
def of_images(tmp_path_factory, page, given):
    """Digits in three clusters, with names that try to break out."""
    path = tmp_path_factory.mktemp("report") / "images.html"
    names = [f"{EVIL}{i}" for i in range(60)]
    model = given(memberships(60))
    assert write_report(model, DIGITS, path, file_names=names, title=EVIL, n_certain=4, n_uncertain=3) == path
    return page(path)


# ---- the page


def test_page_is_one_file_that_asks_for_nothing(of_images):
    assert not re.findall(r"https?://", of_images.source)
    sources = [a.get("src") or a.get("href") for _, a, _ in of_images.elements if a.get("src") or a.get("href")]
    assert all(s.startswith(("data:", "#")) for s in sources)
    urls = re.findall(r"url\(([^)]{0,20})", of_images.source)
    assert len(urls) == 2
    assert all(url.startswith("data:image/webp") for url in urls)
    (policy,) = of_images.all("meta", **{"http-equiv": "Content-Security-Policy"})
    assert policy[0]["content"].startswith("default-src 'none'")


def test_page_escapes_every_text(of_images):
    assert "onerror" not in {name for _, attrs, _ in of_images.elements for name in attrs}
    assert not of_images.all("img")
    assert of_images.map["name"][7] == f"{EVIL}7"
    assert of_images.all("h1")[0][1].startswith(EVIL)
    thumbs = of_images.all("button", class_="thumb")
    assert all(attrs["aria-label"].startswith(EVIL) for attrs, _ in thumbs)


def test_page_is_accessible(of_images):
    assert of_images.all("html")[0][0]["lang"] == "en"
    assert of_images.all("title")[0][1] == f"{EVIL}: 60 images in 3 clusters"
    ids = [attrs["id"] for _, attrs, _ in of_images.elements if "id" in attrs]
    assert len(ids) == len(set(ids))
    for _, attrs, _ in of_images.elements:
        for name in attrs.get("aria-labelledby", "").split():
            assert name in ids
    for tag in ("button", "canvas", "svg"):
        for attrs, text in of_images.all(tag):
            assert attrs.get("aria-label") or text
    strips = of_images.all("div", class_="members")
    stops = [attrs for attrs, _ in of_images.all("button", class_="thumb") if attrs["tabindex"] == "0"]
    assert len(strips) == len(stops) == 6
    links = [attrs["href"] for attrs, _ in of_images.all("a")]
    assert links == ["#cluster-0", "#cluster-1", "#cluster-2"]
    assert all(link[1:] in ids for link in links)


def luminance(color):
    rgb = np.array([int(color[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    return np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4) @ [0.2126, 0.7152, 0.0722]


def test_text_has_contrast_in_light_and_dark(of_images):
    light, dark = (dict(re.findall(r"--(\w+): (#\w{6});", block)) for block in re.findall(
        r":root \{([^}]*--page[^}]*)\}", of_images.source
    ))  # fmt: skip
    assert light.keys() == dark.keys()
    for scheme in (light, dark):
        for text in ("text", "quiet"):
            for ground in ("page", "panel"):
                a, b = sorted(luminance(scheme[name]) for name in (text, ground))
                assert (b + 0.05) / (a + 0.05) > 4.5, (text, ground)


# ---- what it says


def test_members_are_the_most_and_the_least_certain(of_images):
    labels = [attrs["aria-label"] for attrs, _ in of_images.all("button", class_="thumb")]
    rows = [int(re.search(r"row (\d+)", label)[1]) for label in labels]
    assert rows == [
        *[57, 54, 51, 48], *[6, 3, 0],
        *[58, 55, 52, 49], *[7, 4, 1],
        *[59, 56, 53, 50], *[8, 5, 2],
    ]  # fmt: skip
    assert labels[0].endswith(f"row 57, certainty {memberships(60)[57].max():.2f}")


def sheet_tiles(found, which):
    """Tiles of a sprite sheet, decoded, and the numbers of their columns."""
    rule = re.search(rf"\.{which} \.thumb\{{(.*?)\}}", found.source)[1]
    picture = np.asarray(pillow.open(io.BytesIO(b64decode(re.search(r"base64,([^)]*)", rule)[1]))))
    columns, lines = (int(re.search(rf"--{name}:(\d+)", rule)[1]) for name in ("columns", "lines"))
    return picture, columns, lines


def test_thumbnails_show_their_rows(of_images):
    picture, columns, lines = sheet_tiles(of_images, "of-map")
    assert picture.shape[:2] == (8 * lines, 8 * columns)
    for i, row in enumerate(of_images.map["row"]):
        top, left = 8 * (i // columns), 8 * (i % columns)
        np.testing.assert_array_equal(picture[top : top + 8, left : left + 8, 0], DIGITS[row])
    picture, *_ = sheet_tiles(of_images, "members")
    for attrs, _ in of_images.all("button", class_="thumb"):
        row = int(re.search(r"row (\d+)", attrs["aria-label"])[1])
        left, top = (8 * int(v) for v in re.findall(r"--\w:(\d+)", attrs["style"]))
        np.testing.assert_array_equal(picture[top : top + 8, left : left + 8, 0], DIGITS[row])


def test_map_has_a_point_for_every_row(of_images):
    found = of_images.map
    assert sorted(found["row"]) == list(range(60))
    assert found["label"] == [row % 3 for row in found["row"]]
    assert found["certainty"] == [round(100 * memberships(60)[row].max()) for row in found["row"]]
    assert all(0 <= v <= found["grid"] for v in found["x"] + found["y"])
    assert [label for label, _ in found["middle"]] == [0, 1, 2]
    assert all(found["label"][i] == label for label, i in found["middle"])


def test_sizes_and_certainty(of_images):
    assert facts(of_images)["cluster sizes"] == "20 to 20"
    assert facts(of_images)["mean certainty"] == "0.70"
    assert facts(of_images)["certain below 0.5"] == "16.7 %"  # 10 of 60
    legend = [text for attrs, text in of_images.all("button") if "data-label" in attrs]
    assert legend == ["0 20", "1 20", "2 20"]


def test_known_classes_are_scored(tmp_path, page, given):
    truth = np.where(np.arange(60) < 10, -1, np.arange(60) % 3)
    truth[20:26] = 1
    path = write_report(given(memberships(60)), X, tmp_path / "r.html", labels_true=truth, max_map_points=40)
    found, known = page(path), truth != -1
    labels = np.arange(60) % 3
    assert facts(found)["accuracy"] == f"{clustering_accuracy(truth[known], labels[known]):.3f}"
    assert facts(found)["NMI"] == f"{normalized_mutual_info_score(truth[known], labels[known]):.3f}"
    assert facts(found)["adjusted Rand index"] == f"{adjusted_rand_score(truth[known], labels[known]):.3f}"
    assert [found.map["classes"][c] for c in found.map["truth"]] == [str(truth[row]) for row in found.map["row"]]
    assert len(found.map["row"]) == 40
    assert "mostly 0" in found.all("h3", id="name-0")[0][1]


def test_table_is_told_by_its_features(tmp_path, page, given):
    frame = pytest.importorskip("pandas").DataFrame(X, columns=["<a>", "b", "c", "d"])
    membership = np.eye(3)[Y] * 0.7 + 0.1
    for data, name in ((X, "feature 0"), (frame, "<a>")):
        model = given(membership)
        if data is frame:
            model.feature_names_in_ = np.asarray(frame.columns)
        found = page(write_report(model, data, tmp_path / "r.html"))
        assert not found.all("button", class_="thumb")
        rows = [text.split() for _, text in found.all("tr") if text.startswith((name, "b ", "c ", "d ", "feature"))]
        first = next(row for row in rows if " ".join(row[:-3]) == name)
        assert float(first[-3]) == pytest.approx(X[Y == 0, 0].mean(), rel=1e-3)
        assert float(first[-2]) == pytest.approx(X[:, 0].mean(), rel=1e-3)
        assert float(first[-1]) == pytest.approx((X[Y == 0, 0].mean() - X[:, 0].mean()) / X[:, 0].std(), abs=0.006)


def test_same_call_same_file(tmp_path, given):
    first, second = (write_report(given(memberships(60)), X, tmp_path / name) for name in "ab")
    assert first.read_bytes() == second.read_bytes()


# ---- images of all kinds


@pytest.mark.parametrize("shape", [(60, 30, 20), (60, 30, 20, 3)])
@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_large_images_are_made_smaller(shape, dtype, tmp_path, page, given):
    images = np.zeros(shape, dtype=dtype)
    images[:, :15] = 200  # the upper half is light
    found = page(write_report(given(memberships(60)), images, tmp_path / "r.html", thumbnail_size=12))
    picture, columns, _ = sheet_tiles(found, "of-map")
    tile = picture[:12, :8, 0].astype(int)
    assert picture.shape[1] == 8 * columns
    assert (tile[:4] > 180).all()
    assert (tile[-4:] < 20).all()


def test_images_of_embeddings_and_of_folders(tmp_path, page, given):
    from skdeepclust.datasets import ImageFolder
    from skdeepclust.plotting import write_png

    for i in range(12):
        write_png(tmp_path / f"{i:02}.png", DIGITS[i])
    folder = ImageFolder(tmp_path)
    found = page(write_report(given(memberships(12)), X[:12], tmp_path / "r.html", images=folder))
    assert found.map["name"] == [f"{i:02}.png" for i in range(12)]
    picture, *_ = sheet_tiles(found, "of-map")
    np.testing.assert_array_equal(picture[:8, 8:16, 0], DIGITS[1])
    rows_with_shape = given(memberships(12), (8, 8, 1))
    found = page(write_report(rows_with_shape, DIGITS[:12].reshape(12, 64), tmp_path / "r.html"))
    picture, *_ = sheet_tiles(found, "of-map")
    np.testing.assert_array_equal(picture[:8, 8:16, 0], DIGITS[1])


# ---- every clusterer


def label_matrix():
    return np.column_stack([Y, Y, np.where(np.arange(60) % 7 == 0, 0, Y)])


CLUSTERERS = {
    "USPEC": lambda: (USPEC(3, n_representatives=30, random_state=0), X),
    "USENC": lambda: (USENC(3, n_estimators=4, base_n_clusters=(4, 6), n_representatives=30, random_state=0), X),
    "PathIntegralClustering": lambda: (PathIntegralClustering(3), X),
    "EntropyWeightedConsensus": lambda: (EntropyWeightedConsensus(3, random_state=0), label_matrix()),
    "average": lambda: (EntropyWeightedConsensus(3, method="average"), label_matrix()),
    "TransferCut": lambda: (TransferCut(3, random_state=0), csr_array(np.eye(3)[Y] + 0.01)),
    "DeepClusterEnsemble": lambda: (DeepClusterEnsemble(3, n_estimators=4, **TRAINING), DIGITS),
    "ContrastiveClustering": lambda: (ContrastiveClustering(3, **TRAINING), DIGITS),
    "AnchorContrastiveClustering": lambda: (
        AnchorContrastiveClustering(3, **TRAINING | {"max_epochs": 2}),
        np.repeat(DIGITS[..., None], 3, axis=3),
    ),
    "IcicleGCN": lambda: (IcicleGCN(3, encoder="passthrough", max_iter=3, device="cpu", random_state=0), X),
}
CHARTS = {
    "USENC": ["Certainty of the labels", "Base clusterings: agreement", "Spectrum"],
    "PathIntegralClustering": ["Certainty of the labels"],
    "EntropyWeightedConsensus": ["Certainty of the labels", "Spectrum"],
    "average": ["Certainty of the labels"],
    "DeepClusterEnsemble": [
        "Certainty of the labels", "Base clusterings: agreement", "Base clusterings: weight", "Training", "Spectrum",
    ],
    "IcicleGCN": ["Certainty of the labels", "Training"],
}  # fmt: skip


def snippet(found):
    """The Python code of the page, lines as they are."""
    return next(text for tag, _, text in found.elements if tag == "code" and "import" in text)


@quiet
@pytest.mark.parametrize("name", CLUSTERERS)
def test_every_clusterer(name, tmp_path, page):
    model, data = CLUSTERERS[name]()
    found = page(write_report(model.fit(data), data, tmp_path / "r.html"))
    kind = "rows" if np.ndim(data) < 3 else "images"
    assert found.all("title")[0][1] == f"{type(model).__name__}: 60 {kind} in {model.n_clusters_} clusters"
    assert found.map["label"] == model.labels_.tolist()
    assert bool(found.all("button", class_="thumb")) == (kind == "images")
    code = snippet(found)
    assert f"from skdeepclust import {type(model).__name__}" in code
    assert "model.fit(X)" in code
    titles = [text for _, text in found.all("h3") if not text.startswith("Cluster ")]
    assert titles == CHARTS.get(name, titles)
    settings = [text for attrs, text in found.all("th", scope="row") if text in model.get_params(deep=False)]
    assert settings == sorted(model.get_params(deep=False))


@quiet
def test_snippet_runs_and_gives_the_same_labels(tmp_path, page):
    from sklearn.decomposition import PCA

    model = DeepClusterEnsemble(3, encoder=PCA(2), n_estimators=3, base_n_clusters=(4, 6), random_state=0)
    found = page(write_report(model.fit(DIGITS), DIGITS, tmp_path / "r.html"))
    code = snippet(found)
    assert "from sklearn.decomposition import PCA" in code
    space = {}
    exec(code.replace("X = ...", "X = GIVEN"), {"GIVEN": DIGITS}, space)
    np.testing.assert_array_equal(space["model"].labels_, model.labels_)
    (command,) = [text for _, text in found.all("code") if text.startswith("pip install")]
    assert f" skdeepclust=={skdeepclust.__version__} " in command
    assert "+" not in command


def test_a_random_seed_is_said_to_be_none(tmp_path, page, given):
    model = given(memberships(60))
    model.random_state = None
    assert (
        "random_state=None: another run draws another seed" in page(write_report(model, X, tmp_path / "r.html")).source
    )


@quiet
def test_what_is_known_is_not_computed_again(tmp_path):
    model = DeepClusterEnsemble(3, backbone="mlp", n_estimators=4, base_n_clusters=(4, 6), **TRAINING).fit(DIGITS)
    features = model.encoder_.transform(DIGITS)
    page = write_report(model, DIGITS, tmp_path / "a.html").read_bytes()

    def fail(X):
        raise AssertionError("the network was run again")

    model.encoder_.transform = fail
    again = write_report(model, DIGITS, tmp_path / "b.html", rows_of_fit=True, features=features)
    assert again.read_bytes() == page
    with pytest.raises(ValueError, match="rows_of_fit=True, but the model was fitted on 60 rows and X has 59"):
        write_report(model, DIGITS[:59], tmp_path / "c.html", rows_of_fit=True)


def test_rows_of_fit_of_a_model_that_has_kept_nothing(tmp_path, given):
    first = write_report(given(memberships(60)), X, tmp_path / "a.html", rows_of_fit=True)
    second = write_report(given(memberships(60)), X, tmp_path / "b.html")
    assert first.read_bytes() == second.read_bytes()


# ---- refusals


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"file_names": ["a"]}, ValueError, "file_names must have one entry for each of the 60 rows of X; got 1"),
        ({"labels_true": [0, 1]}, ValueError, "labels_true must have one entry"),
        ({"features": X}, ValueError, "features are those of a network, but Model has none; leave them out"),
        ({"images": DIGITS[:5]}, ValueError, "images must have one entry"),
        ({"images": X}, ValueError, r"images must have shape.*got \(60, 4\)"),
        ({"n_certain": 0}, ValueError, "n_certain must be an integer >= 1"),
        ({"n_uncertain": -1}, ValueError, "n_uncertain must be an integer >= 0"),
        ({"max_map_points": 20_001}, ValueError, "max_map_points must be an integer >= 1 and <= 20000"),
        ({"thumbnail_size": "small"}, TypeError, "thumbnail_size must be an integer"),
    ],
)
def test_refuses_bad_input(arguments, error, message, tmp_path, given):
    with pytest.raises(error, match=message):
        write_report(given(memberships(60)), X, tmp_path / "r.html", **arguments)
    assert not (tmp_path / "r.html").exists()


@pytest.mark.parametrize(
    ("place", "message"), [("", "is a folder; name a file"), ("no/r.html", "does not exist; make it")]
)
def test_refuses_places_that_cannot_be_written_before_the_work(place, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        write_report(object(), X, tmp_path / place)


def test_refuses_models_without_memberships(tmp_path):
    with pytest.raises(TypeError, match="predict_proba; got object"):
        write_report(object(), X, tmp_path / "r.html")


@pytest.mark.parametrize(("module", "data"), [("jinja2", X), ("PIL", DIGITS)])
def test_without_its_packages_the_extra_is_named(module, data, tmp_path, given, monkeypatch):
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(ImportError, match=r"pip install skdeepclust\[report\]"):
        write_report(given(memberships(60)), data, tmp_path / "r.html")
