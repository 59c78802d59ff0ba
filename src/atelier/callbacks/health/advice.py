"""What is said of samples and of a discriminator that are not well, and what one may try."""

from pathlib import Path

from omegaconf import OmegaConf

from atelier import run_folder
from atelier.callbacks.health.overfitting import Overfitting
from atelier.callbacks.health.variety import Variety

ANEW = "try another loss or augment=diffaugment"
"""For what cannot be changed of a run that goes on."""


def remedies(run: Path) -> str:
    """What may help against a collapse, less what the run's config has already."""
    cfg = run_folder.config(run) if (run / run_folder.CONFIG).is_file() else OmegaConf.create()

    def says(key: str, word: str) -> bool:
        return word in str(OmegaConf.select(cfg, key))

    norm = " model.discriminator.norm=null" if says("model.discriminator.norm", "batch") else ""
    tries = {
        f"loss=wgan_gp{norm}": not says("loss.penalties", "GradientPenalty"),
        "augment=diffaugment": not (
            says("augment", "DiffAugment") or says("augment", "Ada") or says("health.features", "Coordinates")
        ),
    }
    anew = " or ".join(name for name, untried in tries.items() if untried)
    return f"{anew} in a new run, or a smaller" if anew else "a smaller"


def collapsed(variety: Variety, run: Path, acted_on: bool) -> str:
    way_back = "" if acted_on else ", or go back at such a point with health.on_collapse=rollback"
    return f"the samples have collapsed ({variety}); try {remedies(run)} model.generator_optimizer.lr{way_back}"


def unvaried(variety: Variety, run: Path, steps: int) -> str:
    """At the end of a run, of so many steps, whose samples have looked collapsed all along."""
    return (
        f"the samples have not begun to vary ({variety}): the run was too short for that, or has failed; try to go on "
        f"for longer first, with resume={run} trainer.max_steps={2 * steps}, and then a smaller "
        "model.discriminator_optimizer.lr, or loss=hinge in a new run"
    )


def remembering(overfitting: Overfitting) -> str:
    return (
        f"the discriminator knows the training pictures by heart: held-out ones look {overfitting.ratio:.0%} as "
        f"generated to it as samples do; try augment=diffaugment, more pictures or a smaller model.discriminator.width"
    )
