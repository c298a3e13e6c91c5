# SPDX-License-Identifier: BSD-3-Clause
import os
import pickle
import subprocess
import sys

import pytest
import torch

from skdeepclust.nn.checkpoint import Checkpoint

STATE = {"step": 3, "weights": torch.arange(5.0), "history": [{"loss": 1.5}], "none": None}


def test_what_was_saved_is_loaded(tmp_path):
    checkpoint = Checkpoint(tmp_path / "new" / "folder", {"seed": 1})
    assert checkpoint.load() is None
    checkpoint.save(STATE)
    found = Checkpoint(tmp_path / "new" / "folder", {"seed": 1}).load()
    assert torch.equal(found.pop("weights"), STATE["weights"])
    assert found == {key: value for key, value in STATE.items() if key != "weights"}
    assert os.listdir(checkpoint.path.parent) == ["training.pt"]


def test_another_training_is_refused(tmp_path):
    Checkpoint(tmp_path, {"seed": 1, "batch_size": 256}).save(STATE)
    with pytest.raises(ValueError, match=r"another training: batch_size=256 \(now 128\)\. Pass another checkpoint_dir"):
        Checkpoint(tmp_path, {"seed": 1, "batch_size": 128}).load()


class Harmful:
    def __reduce__(self):
        return os.mkdir, ("harm",)


@pytest.mark.parametrize("content", [b"", b"not a checkpoint", pickle.dumps(Harmful(), protocol=2)])
def test_other_files_are_refused_without_running_them(tmp_path, monkeypatch, content):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "training.pt").write_bytes(content)
    with pytest.raises(ValueError, match="not a checkpoint that can be read"):
        Checkpoint(tmp_path, {}).load()
    assert not (tmp_path / "harm").exists()


def test_code_in_a_checkpoint_is_not_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    torch.save({"identity": {}, "state": Harmful()}, tmp_path / "training.pt")
    with pytest.raises(ValueError, match="not a checkpoint that can be read"):
        Checkpoint(tmp_path, {}).load()
    assert not (tmp_path / "harm").exists()


def test_a_file_cut_short_is_refused(tmp_path):
    checkpoint = Checkpoint(tmp_path, {})
    checkpoint.save(STATE)
    whole = checkpoint.path.read_bytes()
    checkpoint.path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ValueError, match="not a checkpoint that can be read"):
        checkpoint.load()


def test_an_identity_of_another_kind_is_refused(tmp_path):
    torch.save({"identity": 3, "state": {}}, tmp_path / "training.pt")
    with pytest.raises(ValueError, match="not a checkpoint that can be read"):
        Checkpoint(tmp_path, {}).load()


def test_a_folder_that_cannot_be_made(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ValueError, match="checkpoint_dir=.* cannot be written to"):
        Checkpoint(tmp_path / "file" / "folder", {})


def test_what_killed_processes_left_is_removed(tmp_path):
    (tmp_path / ".training-abc.tmp").write_text("half")
    (tmp_path / ".other-abc.tmp").write_text("of another training")
    Checkpoint(tmp_path, {})
    assert sorted(os.listdir(tmp_path)) == [".other-abc.tmp"]


KILLS = """
import os, random, signal, sys, time
import torch
from skdeepclust.nn.checkpoint import Checkpoint

torch.set_num_threads(1)
random.seed(0)
last, left_over = 0, 0
for kill in range(20):
    child = os.fork()
    if child == 0:
        checkpoint = Checkpoint(sys.argv[1], {})
        number = last
        while True:
            number += 1
            checkpoint.save({"number": number, "weights": torch.full((250_000,), float(number))})
    time.sleep(random.uniform(0.02, 0.12))
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    left_over += any(name.endswith(".tmp") for name in os.listdir(sys.argv[1]))
    state = Checkpoint(sys.argv[1], {}).load()
    if state is not None:
        assert state["number"] >= last, (state["number"], last)
        assert (state["weights"] == state["number"]).all()
        last = state["number"]
assert last > 0
sys.stdout.write(f"{last} saved, {left_over} killed while writing")
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="kills forked processes")
def test_a_process_killed_at_any_moment_leaves_a_whole_state(tmp_path):
    done = subprocess.run([sys.executable, "-c", KILLS, tmp_path], capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stderr
    saved, killed_while_writing = (int(part.split()[0]) for part in done.stdout.split(", "))
    assert saved >= 1
    assert killed_while_writing >= 1  # or the test has shown nothing
