"""Compose a config, check it, fit it: `python train.py model=wgan_gp data=wikiart`; `--help` lists every choice."""

import sys

import hydra
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig

from atelier.launch import job, launch, output_folder


@hydra.main(version_base="1.3", config_path="conf", config_name="train")
def train(cfg: DictConfig) -> float:
    from atelier.config import check  # torch takes seconds: not for --help
    from atelier.labels import presume
    from atelier.run import fit

    with job():
        check(presume(cfg))
        return fit(cfg, output_folder(), HydraConfig.get().runtime.choices)


if __name__ == "__main__":
    sys.exit(launch(train))
