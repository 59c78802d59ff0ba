"""What a family's recipe is without its networks, and how it is put on points in the plane.

The protocol, the same for all: points and networks of `experiment=ring` and `experiment=grid`, without labels, 256
points in a batch, one update of each player for every batch, and learning rates that fall to nothing linearly.

* From the family: objective, penalties, optimisers but for their rates, whether the discriminator is spectrally
  normalised, and the averaged generator's decay. Not: networks, batch norm, augmentation, terms that need the family's
  own network; nor a generator's spectral norm, which without batch norm's scales would keep it near the middle.
* Nor critic_steps, so that all generators have as many updates for as many batches. In one trial WGAN-GP with five of
  the discriminator's for each of the generator's found 4 of 25 modes in 15,000 batches; with one it finds them all in
  8,000.
* The faster player learns at a rate of 1e-3, the other slower by as much as in the family's recipe.
* Gradient penalties weigh 0.1: the weights of the recipes are for pictures in [-1, 1]. The authors of WGAN-GP have the
  same 0.1 in their code for such points, where they have 10 for pictures.
"""

import json
from collections.abc import Iterable
from typing import Any

from families import ROOT, configuration
from hydra import compose, initialize_config_dir
from omegaconf import DictConfig, OmegaConf

RATE, SLOPE_WEIGHT = 1e-3, 0.1
SLOPES = ("GradientPenalty", "Dragan", "R1", "R2")
OF_OWN_NETWORK = ("Classification", "Reconstruction")

OPTIMIZERS = ("generator_optimizer", "discriminator_optimizer")

KNOWN_BAD = "known_bad"
"""Goodfellow's loss, and a generator with momentum that runs ten times as fast as its discriminator: all samples go
wherever the discriminator is fooled best."""

Recipe = dict[str, Any]
"""What it changes in `model`."""


def recipe(name: str) -> Recipe:
    return _bad() if name == KNOWN_BAD else _of_family(name)


def on_points(recipe: Recipe, layout: str, steps: int, *overrides: str) -> DictConfig:
    """The config of a run that is looked at ten times."""
    common = [f"experiment={layout}", "run_dir=unused", "callbacks.progress=null", f"trainer.max_steps={steps}"]
    looks = [f"trainer.val_check_interval={steps // 10}", f"trainer.log_every_n_steps={steps // 20}"]
    with initialize_config_dir(str(ROOT / "conf"), version_base="1.3"):
        cfg = compose("train", [*common, *looks, *overrides])
    for key, value in recipe.items():
        OmegaConf.update(cfg, f"model.{key}", value, merge=key == "discriminator", force_add=True)
    return cfg


def alike(names: Iterable[str]) -> dict[str, list[str]]:
    """The names whose recipes are the same once their networks are gone, under the first of them."""
    found: dict[str, list[str]] = {}
    for name in names:
        found.setdefault(json.dumps(recipe(name), sort_keys=True), []).append(name)
    return {group[0]: group for group in found.values()}


def _of_family(name: str) -> Recipe:
    cfg = configuration(name, "procedural")
    model: dict[str, Any] = OmegaConf.to_container(cfg.model, resolve=True)  # type: ignore[assignment]  # has names
    fastest = max(model[player]["lr"] for player in OPTIMIZERS)
    return {
        **{key: model[key] for key in ("objective", "average_decay")},
        "discriminator": {"spectral_norm": model["discriminator"]["spectral_norm"]},
        **{player: {**model[player], "lr": RATE * model[player]["lr"] / fastest} for player in OPTIMIZERS},
        "penalties": {
            term: {**node, "weight": SLOPE_WEIGHT} if _kind(node) in SLOPES else node
            for term, node in model["penalties"].items()
            if _kind(node) not in OF_OWN_NETWORK
        },
    }


def _bad() -> Recipe:
    adam = {"_target_": "torch.optim.Adam", "_partial_": True, "betas": [0.9, 0.999], "fused": True}
    generator, discriminator = OPTIMIZERS
    return {**_of_family("gan"), generator: {**adam, "lr": 5 * RATE}, discriminator: {**adam, "lr": RATE / 2}}


def _kind(node: dict[str, Any]) -> str:
    return node["_target_"].rpartition(".")[2]
