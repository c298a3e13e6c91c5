# SPDX-License-Identifier: BSD-3-Clause
"""The small twin of scikit-learn's callback interface, for versions without it; tested whatever the version."""

import pytest
from sklearn.base import BaseEstimator, clone

from skdeepclust._support._callbacks import OwnCallbackSupport, own_with_callbacks


class Counter(OwnCallbackSupport, BaseEstimator):
    """Counts to four, a task per number."""

    def __init__(self, fails=False):
        self.fails = fails

    @own_with_callbacks
    def fit(self, X):
        self.seen_ = X
        context = self._init_callback_context(max_subtasks=4).call_on_fit_task_begin(estimator=self, X=X)
        for number in range(4):
            task = context.subcontext(task_name="number").call_on_fit_task_begin(estimator=self)
            if self.fails and number == 1:
                raise RuntimeError("fails")
            self.n_ = number + 1
            if task.call_on_fit_task_end(
                estimator=self, metadata={"number": number}, reconstruction_attributes=lambda: {"n_": self.n_}
            ):
                break
        context.call_on_fit_task_end(estimator=self)
        return self


class Recorder:
    def __init__(self, stop_at=None):
        self.stop_at, self.seen = stop_at, []

    def setup(self, estimator, context):
        self.seen.append("setup")

    def teardown(self, estimator, context):
        self.seen.append("teardown")

    def on_fit_task_begin(self, estimator, context, *, X=None):
        self.seen.append(("begin", context.task_name, context.task_id, X))

    def on_fit_task_end(self, estimator, context, *, metadata, fitted_estimator):
        if context.task_name == "fit":
            assert fitted_estimator is None
            return False
        assert context.parent.task_name == "fit"
        assert fitted_estimator is not estimator
        assert fitted_estimator.seen_ == "data"  # what the fit has set before
        self.seen.append(("end", metadata["number"], fitted_estimator.n_))
        return metadata["number"] == self.stop_at


def test_tasks_in_their_order():
    recorder = Recorder(stop_at=1)
    assert Counter().set_callbacks(recorder).fit("data").n_ == 2
    assert recorder.seen == [
        "setup",
        ("begin", "fit", 0, "data"),
        ("begin", "number", 0, None),
        ("end", 0, 1),
        ("begin", "number", 1, None),
        ("end", 1, 2),
        "teardown",
    ]


def test_clones_share_the_callbacks():
    recorder = Recorder(stop_at=0)
    assert clone(Counter().set_callbacks(recorder)).fit("data").n_ == 1
    assert recorder.seen[-1] == "teardown"


def test_teardown_after_an_error():
    recorder = Recorder()
    with pytest.raises(RuntimeError, match="fails"):
        Counter(fails=True).set_callbacks(recorder).fit("data")
    assert recorder.seen[-1] == "teardown"


def test_no_callbacks_any_more():
    recorder = Recorder()
    assert Counter().set_callbacks(recorder).set_callbacks().fit("data").n_ == 4
    assert not recorder.seen


@pytest.mark.parametrize("wrong", [Recorder, object(), print])
def test_what_is_no_callback_is_refused(wrong):
    with pytest.raises(TypeError, match="callbacks must be objects with the methods setup"):
        Counter().set_callbacks(wrong)


def test_a_hook_that_asks_for_what_there_is_not():
    class Curious(Recorder):
        def on_fit_task_begin(self, estimator, context, *, weather):
            pass

    with pytest.raises(TypeError, match="Curious may ask for"):
        Counter().set_callbacks(Curious()).fit("data")
