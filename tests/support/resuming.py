"""A run that goes on, with another key or two."""

from omegaconf import OmegaConf


def resumed(folder, **changes):
    cfg = OmegaConf.load(folder / "recipe.yaml")
    cfg.resume = str(folder)
    for key, value in changes.items():
        OmegaConf.update(cfg, key.replace("__", "."), value)
    return cfg
