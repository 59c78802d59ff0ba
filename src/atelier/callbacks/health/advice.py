"""What is said of samples and of a discriminator that are not well, and what one may try."""

from pathlib import Path

from omegaconf import OmegaConf

from atelier import run_folder
from atelier.callbacks.health.overfitting import Overfitting
from atelier.callbacks.health.variety import Variety


def anew(run: Path) -> str:
    """What may help against a collapse, in a new run, less what the run's config has: `a or b`, or nothing."""
    cfg = run_folder.config(run) if (run / run_folder.CONFIG).is_file() else OmegaConf.create()

    def says(key: str, *words: str) -> bool:
        return any(word in str(OmegaConf.select(cfg, key)) for word in words)

    norm = " model.discriminator.norm=null" if says("model.discriminator.norm", "batch") else ""
    tries = {
        f"loss=wgan_gp{norm}": not says("loss.penalties", "GradientPenalty"),
        "augment=diffaugment": not (says("augment", "DiffAugment", "Ada") or says("health.features", "Coordinates")),
    }
    return " or ".join(name for name, untried in tries.items() if untried)


def remedies(run: Path) -> str:
    """The same and a smaller rate, which a run that goes on can have, too."""
    found = anew(run)
    return f"a smaller model.generator_optimizer.lr{f', or {found} in a new run' if found else ''}"


def collapsed(variety: Variety, usual_recall: float | None, run: Path, acted_on: bool) -> str:
    way_back = "" if acted_on else "; health.on_collapse=rollback goes back at such a point"
    usually = "" if usual_recall is None else f", usually {usual_recall:.2f}"
    return f"the samples have collapsed ({variety}{usually}); try {remedies(run)}{way_back}"


def unvaried(variety: Variety, run: Path, steps: int) -> str:
    """At the end of a run, of so many steps, whose samples have looked collapsed all along."""
    return (
        f"the samples have not begun to vary ({variety}): the run was too short for that, or has failed; try to go on "
        f"for longer first, with resume={run} trainer.max_steps={2 * steps}, and then {remedies(run)}"
    )


def remembering(overfitting: Overfitting) -> str:
    return (
        f"the discriminator knows the training pictures by heart: held-out ones look {overfitting.ratio:.0%} as "
        f"generated to it as samples do; try augment=diffaugment, more pictures or a smaller model.discriminator.width"
    )
