"""Which scores a run that goes on compares with those that it had before."""

import pytest
import torch
from omegaconf import OmegaConf
from resuming import resumed

from atelier import checkpoints, run, run_folder
from atelier.cli.comparing.standings import entries
from atelier.record.summary import describe


def test_going_on_from_before_the_best_looks_for_another_best(small_config, tmp_path):
    run.fit(small_config("metrics=embedded", "metrics.count=8", "metrics.splits=2"), tmp_path, {})
    previous, best = (tmp_path / "checkpoints" / name for name in ("previous.ckpt", "best.ckpt"))
    content = checkpoints.read(previous)
    content["callbacks"]["Checkpoints"].update(best_score=0.0, best_step=1)  # no longer there, and not to be beaten
    torch.save(content, previous)
    run.fit(resumed(tmp_path, resume=str(previous)), tmp_path, {})
    found = checkpoints.read(best)
    assert found["global_step"] == found["callbacks"]["Checkpoints"]["best_step"] == 8


def scored(small_config, folder, *overrides):
    """A run of 8 steps, scored at steps 4 and 8."""
    run.fit(small_config("metrics=embedded", "metrics.count=8", "metrics.splits=2", *overrides), folder, {})
    return run_folder.facts(folder)


def of_the_best(folder):
    """Its score and step, as the checkpoint itself, run.json and the summary have them."""
    best = checkpoints.read(folder / "checkpoints" / "best.ckpt")
    kept = best["callbacks"]["Checkpoints"]
    record = run_folder.facts(folder)
    assert best["global_step"] == kept["best_step"] >= record["card_since"]
    assert kept["best_score"] == record["best"]
    told = f"val/{record['monitor']} {record['best']:.4g} at best, at step {kept['best_step']}\n"
    assert told in describe(folder, f"val/{record['monitor']}").plain
    (entry,) = entries([folder])
    assert entry.best(record["monitor"])[0::2] == (kept["best_step"], pytest.approx(kept["best_score"], rel=1e-6))
    return kept["best_score"], kept["best_step"]


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        (
            {"metrics__scores": ["fid", "kid"]},
            "monitor was 'embedded_kernel_distance' and is 'embedded_frechet_distance'",
        ),
        ({"metrics__count": 10}, "generated_images was 8 and is 10"),
        ({"data__count": 38}, "these are not the pictures that the run was trained on; it goes on with these, and"),
    ],
)
def test_a_best_that_was_measured_otherwise_is_forgotten(changes, told, small_config, tmp_path, caplog):
    scored(small_config, tmp_path, "metrics.scores=[kid,fid]")
    assert run_folder.facts(tmp_path)["card_since"] == 0
    score, step = of_the_best(tmp_path)
    run.fit(resumed(tmp_path, trainer__max_steps=12, **changes), tmp_path, {})
    (line,) = [message for message in caplog.messages if message.startswith("resume:")]
    assert told in line
    assert f"the best so far, {score:.4g} at step {step}, no longer counts" in line
    assert run_folder.facts(tmp_path)["card_since"] == 9
    assert of_the_best(tmp_path)[1] == 12
    caplog.clear()
    run.fit(resumed(tmp_path, trainer__max_steps=14), tmp_path, {})
    assert not any(message.startswith("resume:") for message in caplog.messages)
    assert run_folder.facts(tmp_path)["card_since"] == 9
    of_the_best(tmp_path)


def test_another_score_beside_the_others_forgets_nothing(small_config, tmp_path, caplog):
    scored(small_config, tmp_path, "metrics.scores=[fid]")
    best = of_the_best(tmp_path)
    run.fit(resumed(tmp_path, trainer__max_steps=9, metrics__scores=["fid", "is"]), tmp_path, {})
    assert not any(message.startswith("resume:") for message in caplog.messages)
    assert min(best, of_the_best(tmp_path)) == of_the_best(tmp_path)
    assert run_folder.facts(tmp_path)["card_since"] == 0


def test_a_best_counts_again_after_some_steps_without_scores(small_config, tmp_path, caplog):
    facts = scored(small_config, tmp_path, "metrics.scores=[fid]")
    metrics = OmegaConf.load(tmp_path / "recipe.yaml").metrics
    without = resumed(tmp_path, trainer__max_steps=9)
    without.metrics = None
    run.fit(without, tmp_path, {})
    assert run_folder.facts(tmp_path)["card"] is None
    again = resumed(tmp_path, trainer__max_steps=10)
    again.metrics = metrics
    run.fit(again, tmp_path, {})
    assert not any(message.startswith("resume:") for message in caplog.messages)
    assert of_the_best(tmp_path)[0] <= facts["best"]


def test_other_pictures_are_told_of_without_scores_too(small_config, tmp_path, caplog):
    run.fit(small_config(), tmp_path, {})
    for step, told in ((9, 1), (10, 0)):  # once
        caplog.clear()
        run.fit(resumed(tmp_path, trainer__max_steps=step, data__count=38), tmp_path, {})
        lines = [message for message in caplog.messages if message.startswith("resume:")]
        assert len(lines) == told
        assert all(line.endswith("it goes on with these") for line in lines)


def test_a_run_whose_checkpoint_does_not_say_how_its_best_was_measured(small_config, tmp_path, caplog):
    """Its record does, where it goes on for the first time since."""
    scored(small_config, tmp_path, "metrics.scores=[kid,fid]")
    last = tmp_path / "checkpoints" / "last.ckpt"
    content = checkpoints.read(last)
    for new in ("measured_by", "since"):
        del content["callbacks"]["Checkpoints"][new]
    torch.save(content, last)
    run.fit(resumed(tmp_path, trainer__max_steps=9), tmp_path, {})
    assert "no longer counts" not in caplog.text
    torch.save(content, last)
    run.fit(resumed(tmp_path, trainer__max_steps=9, metrics__scores=["fid", "kid"]), tmp_path, {})
    assert "no longer counts" in caplog.text
    assert of_the_best(tmp_path)[1] == 9
    torch.save(content, last)  # as if that had been killed before it came to a checkpoint
    run.fit(resumed(tmp_path, trainer__max_steps=9, metrics__scores=["fid", "kid"]), tmp_path, {})
    assert run_folder.facts(tmp_path)["card_since"] == 9
    assert of_the_best(tmp_path)[1] == 9


def test_scores_that_choose_no_best_are_told_of_too(small_config, tmp_path, caplog):
    scored(small_config, tmp_path, "metrics.scores=[is]")
    run.fit(resumed(tmp_path, trainer__max_steps=9, metrics__count=10), tmp_path, {})
    assert "scores until now compare with no later ones, for it was measured otherwise: generated" in caplog.text
    assert run_folder.facts(tmp_path)["card_since"] == 9


def test_what_holds_of_a_run_until_it_goes_on_is_not_lost_by_a_kill(small_config, tmp_path):
    facts = scored(small_config, tmp_path)
    run_folder.RunFolder(tmp_path).begin(resumed(tmp_path), {}, 8)
    kept = run_folder.facts(tmp_path)
    assert {fact: kept[fact] for fact in run_folder.KEPT} == {fact: facts[fact] for fact in run_folder.KEPT}
