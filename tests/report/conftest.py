# SPDX-License-Identifier: BSD-3-Clause
import json
from html.parser import HTMLParser

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClusterMixin

VOID = {"img", "link", "meta"}  # never closed; elements of SVG close themselves


class Page(HTMLParser):
    """Elements of a page in their order, each (tag, attributes, text inside), with a check that tags are closed."""

    def __init__(self, path):
        super().__init__()
        self.elements, self.open = [], []
        self.source = path.read_text(encoding="utf-8")
        self.feed(self.source)
        assert not self.open, f"never closed: {self.open}"

    def handle_starttag(self, tag, attrs):
        element = [tag, dict(attrs), ""]
        self.elements.append(element)
        if tag not in VOID:
            self.open.append(element)

    def handle_startendtag(self, tag, attrs):
        self.elements.append([tag, dict(attrs), ""])

    def handle_endtag(self, tag):
        assert self.open.pop()[0] == tag, f"</{tag}> closes another element"
        self.handle_data(" ")  # cells and list items are words apart

    def handle_data(self, text):
        for element in self.open:
            element[2] += text

    def all(self, tag, **attributes):
        """Elements with a tag and attributes; ``class_`` names one of the classes."""
        wanted = attributes.pop("class_", None)
        return [
            (attrs, " ".join(text.split()))
            for name, attrs, text in self.elements
            if name == tag
            and (wanted is None or wanted in attrs.get("class", "").split())
            and attributes.items() <= attrs.items()
        ]

    @property
    def map(self):
        return json.loads(self.all("script", id="map-data")[0][1])


class Model(ClusterMixin, BaseEstimator):
    """A clusterer with memberships that the test chooses."""

    def __init__(self, membership=None, image_shape_=None):
        self.membership = membership
        self.image_shape_ = image_shape_

    def fit(self, X, y=None):
        return self

    def __sklearn_is_fitted__(self):
        return True

    def predict_proba(self, X):
        return np.asarray(self.membership)[: len(X)]


@pytest.fixture(scope="session")
def page():
    return Page


@pytest.fixture(scope="session")
def given():
    return Model
