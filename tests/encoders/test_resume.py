# SPDX-License-Identifier: BSD-3-Clause
import os
import signal

import numpy as np
import pytest

from skdeepclust import ContrastiveEncoder, DeepClusterEnsemble
from skdeepclust._support._warnings import TrainingInterruptedWarning

IMAGES = np.random.default_rng(0).integers(0, 256, (80, 8, 8), dtype=np.uint8)


class Breaking:
    """The identity as augmentation, that fails at one of its calls."""

    def __init__(self, error=RuntimeError):
        self.error, self.fails_at, self.n_calls = error, None, 0

    def __call__(self, x):
        self.n_calls += 1
        if self.n_calls == self.fails_at:
            raise self.error("broken")
        return x


def encoder(augmentation, **parameters):
    parameters = {"random_state": 0, "checkpoint_every": 0, "device": "cpu", **parameters}
    return ContrastiveEncoder(3, augmentation=augmentation, backbone="mlp", max_epochs=4, batch_size=16, **parameters)


@pytest.mark.parametrize("random_state", [0, None])
def test_the_same_call_goes_on(tmp_path, random_state):
    augmentation = Breaking()
    augmentation.fails_at = 9
    broken = encoder(augmentation, checkpoint_dir=tmp_path, random_state=random_state)
    with pytest.raises(RuntimeError, match="broken"):
        broken.fit(IMAGES)
    augmentation.n_calls, augmentation.fails_at = 0, None
    model = encoder(augmentation, checkpoint_dir=tmp_path, random_state=random_state).fit(IMAGES)
    assert augmentation.n_calls == 12  # of 20 steps, 8 were made
    assert [record["epoch"] for record in model.history_] == [1, 2, 3, 4]
    if random_state == 0:
        whole = encoder(Breaking()).fit(IMAGES)
        np.testing.assert_array_equal(model.transform(IMAGES), whole.transform(IMAGES))
        assert [r["loss"] for r in model.history_] == [r["loss"] for r in whole.history_]


def test_a_training_goes_on_with_the_seed_it_began_with(tmp_path):
    """Without an integer the second call draws another seed; it must not be used."""
    augmentation = Breaking()
    augmentation.fails_at = 9
    with pytest.raises(RuntimeError, match="broken"):
        encoder(augmentation, checkpoint_dir=tmp_path, random_state=np.random.RandomState(5)).fit(IMAGES)
    model = encoder(Breaking(), checkpoint_dir=tmp_path, random_state=np.random.RandomState(6)).fit(IMAGES)
    whole = encoder(Breaking(), random_state=np.random.RandomState(5)).fit(IMAGES)
    np.testing.assert_array_equal(model.transform(IMAGES), whole.transform(IMAGES))


def test_an_interrupted_training_is_not_cached_as_a_whole_one(tmp_path):
    augmentation = Breaking(KeyboardInterrupt)
    augmentation.fails_at = 9
    model = DeepClusterEnsemble(3, n_estimators=4, encoder=encoder(augmentation), memory=str(tmp_path), random_state=0)
    with pytest.warns(TrainingInterruptedWarning):
        model.fit(IMAGES)
    assert model.encoder_.was_interrupted_
    assert len(model.labels_) == 80
    model.set_params(encoder=encoder(Breaking())).fit(IMAGES)
    assert not model.encoder_.was_interrupted_
    assert model.n_iter_ == 4


def test_a_complete_training_is_not_repeated(tmp_path):
    augmentation = Breaking()
    first = encoder(augmentation, checkpoint_dir=tmp_path).fit(IMAGES)
    augmentation.n_calls = 0
    second = encoder(augmentation, checkpoint_dir=tmp_path).fit(IMAGES)
    assert augmentation.n_calls == 0
    assert second.n_iter_ == 4
    np.testing.assert_array_equal(first.transform(IMAGES), second.transform(IMAGES))


@pytest.mark.parametrize(
    ("parameters", "rows", "named"),
    [
        ({"learning_rate": 0.5}, IMAGES, "learning_rate=0.001 .now 0.5"),
        ({"random_state": 1}, IMAGES, "seed=0 .now 1"),
        ({}, IMAGES[::-1], "rows="),
        ({}, IMAGES[:70], "shape="),
    ],
)
def test_another_training_is_refused(tmp_path, parameters, rows, named):
    encoder(Breaking(), checkpoint_dir=tmp_path).fit(IMAGES)
    augmentation = Breaking()
    with pytest.raises(ValueError, match=f"another training: .*{named}"):
        encoder(augmentation, checkpoint_dir=tmp_path, **parameters).fit(rows)
    assert augmentation.n_calls == 0


def test_ctrl_c_keeps_the_network():
    augmentation = Breaking(KeyboardInterrupt)
    augmentation.fails_at = 9
    with pytest.warns(TrainingInterruptedWarning, match="after 8 steps, 40% of what was planned"):
        model = encoder(augmentation).fit(IMAGES)
    assert model.n_iter_ == 2
    assert np.isfinite(model.transform(IMAGES)).all()


def test_ctrl_c_before_the_first_step():
    augmentation = Breaking(KeyboardInterrupt)
    augmentation.fails_at = 1
    with pytest.raises(KeyboardInterrupt):
        encoder(augmentation).fit(IMAGES)


def test_the_ensemble_clusters_what_ctrl_c_left():
    augmentation = Breaking(KeyboardInterrupt)
    augmentation.fails_at = 9
    model = DeepClusterEnsemble(3, n_estimators=4, encoder=encoder(augmentation), random_state=0)
    with pytest.warns(TrainingInterruptedWarning):
        model.fit(IMAGES)
    np.testing.assert_array_equal(model.predict(IMAGES), model.labels_)


def test_the_ensemble_goes_on(tmp_path):
    def ensemble(augmentation, folder):
        return DeepClusterEnsemble(
            3, n_estimators=4, augmentation=augmentation, backbone="mlp", max_epochs=4, batch_size=16,
            checkpoint_dir=folder, random_state=0, device="cpu",
        )  # fmt: skip

    whole = ensemble(Breaking(), None).fit(IMAGES)
    augmentation = Breaking(KeyboardInterrupt)
    augmentation.fails_at = 9
    with pytest.warns(TrainingInterruptedWarning):
        interrupted = ensemble(augmentation, tmp_path).fit(IMAGES)
    assert interrupted.n_iter_ == 2
    augmentation.fails_at = None
    np.testing.assert_array_equal(ensemble(augmentation, tmp_path).fit(IMAGES).labels_, whole.labels_)


@pytest.mark.parametrize("random_state", [None, np.random.RandomState(0)])
def test_the_ensemble_goes_on_without_a_seed(tmp_path, random_state):
    """The second call draws another seed, yet finds the training that the first has made."""
    augmentation = Breaking()
    models = []
    for _ in range(2):
        model = DeepClusterEnsemble(
            3, n_estimators=4, augmentation=augmentation, backbone="mlp", max_epochs=2, batch_size=16,
            checkpoint_dir=tmp_path, random_state=random_state, device="cpu",
        )  # fmt: skip
        models.append(model.fit(IMAGES))
    assert augmentation.n_calls == 10
    first, second = (model.encoder_.transform(IMAGES) for model in models)
    np.testing.assert_array_equal(first, second)


def test_a_stop_that_a_callback_asked_for_lasts(tmp_path):
    class StopAtTwo:
        def setup(self, estimator, context):
            pass

        def teardown(self, estimator, context):
            pass

        def on_fit_task_begin(self, estimator, context):
            pass

        def on_fit_task_end(self, estimator, context, *, metadata=None):
            return metadata is not None and metadata["record"]["epoch"] == 2

    for _ in range(2):
        model = encoder(Breaking(), checkpoint_dir=tmp_path).set_callbacks(StopAtTwo()).fit(IMAGES)
        assert model.n_iter_ == 2


def test_ctrl_c_in_the_middle_of_a_step_waits_for_its_end(tmp_path):
    """The signal comes during a step; the training that goes on afterwards ends as if it never had."""

    class Pressing(Breaking):
        def __call__(self, x):
            self.n_calls += 1
            if self.n_calls == self.fails_at:
                os.kill(os.getpid(), signal.SIGINT)
            return x

    augmentation = Pressing()
    augmentation.fails_at = 9
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # shells let background jobs ignore it
    try:
        with pytest.warns(TrainingInterruptedWarning, match="after 9 steps"):
            encoder(augmentation, checkpoint_dir=tmp_path).fit(IMAGES)
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    finally:
        signal.signal(signal.SIGINT, before)
    augmentation.fails_at = None
    model = encoder(augmentation, checkpoint_dir=tmp_path).fit(IMAGES)
    np.testing.assert_array_equal(model.transform(IMAGES), encoder(Breaking()).fit(IMAGES).transform(IMAGES))


@pytest.mark.parametrize("value", [0, -1.0, float("nan")])
def test_time_out_of_range(value):
    with pytest.raises(ValueError, match="max_time must be a number > 0"):
        encoder(Breaking(), max_time=value).fit(IMAGES)
