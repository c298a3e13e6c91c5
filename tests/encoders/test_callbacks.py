# SPDX-License-Identifier: BSD-3-Clause
import numpy as np
import pytest

from skdeepclust import ContrastiveClustering, ContrastiveEncoder, DeepClusterEnsemble

IMAGES = np.random.default_rng(0).integers(0, 256, (60, 8, 8), dtype=np.uint8)


class Recorder:
    """Keeps what it sees; asks to stop after an epoch, or fails in it."""

    def __init__(self, stop_at=None, fails_at=None):
        self.stop_at, self.fails_at = stop_at, fails_at
        self.tasks, self.losses, self.widths, self.torn_down = [], [], [], 0

    def setup(self, estimator, context):
        pass

    def teardown(self, estimator, context):
        self.torn_down += 1

    def on_fit_task_begin(self, estimator, context):
        self.tasks.append(context.task_name)

    def on_fit_task_end(self, estimator, context, *, X=None, metadata=None, fitted_estimator=None):
        if context.task_name != "epoch":
            return False
        epoch = metadata["record"]["epoch"]
        if epoch == self.fails_at:
            raise RuntimeError("callback")
        self.losses.append(metadata["record"]["loss"])
        self.widths.append(fitted_estimator.transform(X).shape)
        assert not fitted_estimator.network_.training
        return epoch == self.stop_at


def encoder(**parameters):
    return ContrastiveEncoder(3, backbone="mlp", max_epochs=3, batch_size=20, random_state=0, **parameters)


def test_every_epoch_is_a_task():
    recorder = Recorder()
    model = encoder().set_callbacks(recorder).fit(IMAGES)
    assert recorder.tasks == ["fit", "epoch", "epoch", "epoch"]
    assert recorder.losses == [record["loss"] for record in model.history_]
    assert recorder.widths == [(60, 640)] * 3
    assert recorder.torn_down == 1
    np.testing.assert_array_equal(model.transform(IMAGES), encoder().fit(IMAGES).transform(IMAGES))


def test_a_true_answer_ends_the_training():
    recorder = Recorder(stop_at=2)
    assert encoder().set_callbacks(recorder).fit(IMAGES).n_iter_ == 2


def test_teardown_after_an_error():
    recorder = Recorder(fails_at=2)
    with pytest.raises(RuntimeError, match="callback"):
        encoder().set_callbacks(recorder).fit(IMAGES)
    assert recorder.torn_down == 1


def test_the_ensemble_reports_training_and_clustering():
    of_ensemble, of_encoder = Recorder(), Recorder(stop_at=1)
    model = DeepClusterEnsemble(3, n_estimators=3, encoder=encoder().set_callbacks(of_encoder), random_state=0)
    model.set_callbacks(of_ensemble).fit(IMAGES)
    assert of_ensemble.tasks == ["fit", "training", "clustering"]
    assert of_ensemble.torn_down == 1
    assert model.n_iter_ == 1


@pytest.mark.filterwarnings("ignore:the cluster head uses")
def test_contrastive_clustering_lets_its_callbacks_watch_the_encoder():
    recorder = Recorder(stop_at=2)
    model = ContrastiveClustering(3, backbone="mlp", max_epochs=3, batch_size=20, random_state=0)
    model.set_callbacks(recorder).fit(IMAGES)
    assert recorder.tasks == ["fit", "epoch", "epoch"]
    assert recorder.torn_down == 1
    assert model.n_iter_ == 2
    assert not hasattr(model.encoder_, "_skl_callbacks"), "callbacks need not be fit for pickling"
    assert model.set_callbacks().fit(IMAGES).n_iter_ == 3
    assert len(recorder.tasks) == 3
