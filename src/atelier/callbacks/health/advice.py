"""What is said of samples and of a discriminator that are not well, and what one may try."""

from pathlib import Path

from atelier.callbacks.health.overfitting import Overfitting
from atelier.callbacks.health.variety import Variety


def collapsed(variety: Variety, acted_on: bool) -> str:
    way_back = "" if acted_on else ", or go back at such a point with health.on_collapse=rollback"
    return (
        f"the samples have collapsed ({variety}); try loss=wgan_gp or augment=diffaugment, or a smaller "
        f"model.generator_optimizer.lr{way_back}"
    )


def unvaried(variety: Variety, run: Path, steps: int) -> str:
    """At the end of a run, of so many steps, whose samples have looked collapsed all along."""
    return (
        f"the samples have not begun to vary ({variety}): the run was too short for that, or has failed; try to go on "
        f"for longer first, with resume={run} trainer.max_steps={2 * steps}, and then loss=hinge or loss=wgan_gp, or a "
        "smaller model.discriminator_optimizer.lr"
    )


def remembering(overfitting: Overfitting) -> str:
    return (
        f"the discriminator knows the training pictures by heart: held-out ones look {overfitting.ratio:.0%} as "
        f"generated to it as samples do; try augment=diffaugment, more pictures or a smaller model.discriminator.width"
    )
