"""Compose a config, check it, fit it: `python train.py model=wgan_gp data=wikiart`; `--help` lists every choice."""

import sys

import hydra
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig

from atelier.auto_resume import going_on
from atelier.command_line import AUTO
from atelier.distributed import slurm
from atelier.launch import goes_on, job, launch, output_folder
from atelier.sweeps.job import attempted


@hydra.main(version_base="1.3", config_path="conf", config_name="train")
def train(cfg: DictConfig) -> float:
    from atelier.config import check, refuse_unread  # torch takes seconds: not for --help
    from atelier.labels import presume
    from atelier.run import fit

    run = output_folder()

    def fitted(cfg: DictConfig) -> float:
        if cfg.resume == AUTO:
            cfg = going_on(cfg, run, HydraConfig.get().overrides.task)
        check(presume(cfg))
        if not cfg.resume:  # a recipe is what it is
            refuse_unread(cfg)
        return fit(cfg, run, HydraConfig.get().runtime.choices)

    with job(), slurm.requeued(goes_on(cfg), run):
        return attempted(cfg, fitted)


if __name__ == "__main__":
    sys.exit(launch(train))
