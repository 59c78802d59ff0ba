"""Every shipped sweep makes jobs that can be trained."""

import pytest
from hydra import compose, initialize_config_dir
from hydra.core.override_parser.overrides_parser import OverridesParser
from models import CONF, names
from omegaconf import OmegaConf

from atelier.config import build, check
from atelier.errors import UserError
from atelier.labels import presume
from atelier.sweeps.grid import combinations


def composed(*overrides, hydra=False):
    with initialize_config_dir(str(CONF), version_base="1.3"):
        return compose("train", ["run_dir=outputs/test", *overrides], return_hydra_config=hydra)


def words(preset):
    params = composed(f"sweep={preset}", hydra=True).hydra.sweeper.params
    return OverridesParser.create().parse_overrides([f"{key}={value}" for key, value in params.items()])


AGENTS = [name for name in names("sweep") if name.startswith("wandb")]
GRIDS = [name for name in names("sweep") if name != "optuna" and name not in AGENTS]


@pytest.mark.parametrize("preset", [*GRIDS, "optuna"])
def test_a_preset_is_a_sweep_without_more_words(preset):
    hydra = composed(f"sweep={preset}", hydra=True).hydra
    assert hydra.mode.name == "MULTIRUN"
    assert hydra.sweeper._target_.endswith(".Optuna" if preset == "optuna" else ".Grid")


def test_without_a_preset_nothing_is_swept():
    assert composed(hydra=True).hydra.sweeper == {"_target_": "hydra_plugins.atelier_sweepers.Grid", "params": {}}


@pytest.mark.parametrize("preset", AGENTS)
def test_what_drives_this_program_is_none_of_its_options(preset):
    with pytest.raises(UserError, match="^sweep: sweep=wandb_… is for W&B's own agents: wandb sweep conf/sweep/wandb_"):
        check(presume(composed(f"sweep={preset}")))


@pytest.mark.parametrize("preset", GRIDS)
def test_the_jobs_of_a_preset_can_be_trained(preset):
    jobs = combinations(words(preset))
    assert len({*map(tuple, jobs)}) == len(jobs) > 1
    unseeded = {tuple(word for word in job if not word.startswith("seed=")) for job in jobs}
    for job in sorted(unseeded):
        check(presume(composed(f"sweep={preset}", *job)))


def test_what_the_search_draws_can_be_trained(tmp_path):
    pytest.importorskip("optuna")
    from atelier.sweeps.space import space
    from atelier.sweeps.study import Study

    cfg = composed("sweep=optuna", hydra=True).hydra.sweeper
    axes, fixed = space(words("optuna"))
    study = Study(tmp_path, axes, fixed, OmegaConf.to_container(cfg.sampler), cfg.seed)
    for proposal in study.batch(3, 3):
        check(presume(composed("sweep=optuna", *proposal.overrides)))
    build(cfg.pruner, "hydra.sweeper.pruner")
