"""`atelier audit`: does a generator paint anew, or copy what it was shown?"""

from dataclasses import asdict
from typing import Annotated

import typer

from atelier.cli.numbers import LAST_SEED
from atelier.cli.options import Checkpoint, GeneratorRun
from atelier.strict_json import to_json
from atelier.wording import counted

SHOWN = 16
"""Images in the picture: those closest to a training picture."""

COUNT, SEED = 1000, 0
"""Where nothing else is asked for."""

PROBES = 2000
"""Held-out pictures that say what is suspiciously close, at most: each is compared with all training pictures."""


def audit(
    run: GeneratorRun,
    count: Annotated[int, typer.Option(min=1, help="How many images to generate and look at.")] = COUNT,
    seed: Annotated[
        int, typer.Option(min=0, max=LAST_SEED, help="The seed of `atelier sample`, whose first images these are.")
    ] = SEED,
    checkpoint: Checkpoint = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, as in report.json.")] = False,
) -> None:
    """Look for copies of training pictures, and say in a sentence what was found.

    What it rests on goes to a folder in RUN/audit, named by step, and by count and seed where they are not the default:
    report.json has the numbers and the closest pairs. closest.png shows the images that are closest to a training
    picture, below each of them that picture, and below that the nearest picture that was held out of the training.
    Pictures are compared by the features of a network: that of the run's metrics, or else the embedded one.
    """
    import torch

    from atelier.cli.audited_features import Comparison, closest
    from atelier.cli.trained import folder_name
    from atelier.cli.writable import refuse_unwritable
    from atelier.files import write_text
    from atelier.metrics.memorisation import closeness, gap, nearest_views, verdict
    from atelier.record.grids import grid, save_png

    comparison = Comparison(run, checkpoint, seed)
    step, unusual = comparison.trained.origin["step"], {"count": (count, COUNT), "seed": (seed, SEED)}
    asked = {name: given for name, (given, usual) in unusual.items() if given != usual}
    folder = run / "audit" / folder_name(step=step, **asked)
    refuse_unwritable(folder, "the report goes there", option="RUN")
    pictures = len(comparison.data.train_pixels)
    typer.echo(f"comparing {counted(count, 'image')} with {counted(pictures, 'training picture')}", err=True)
    images = comparison.images(count)
    training = comparison.pictures(comparison.data.train_pixels)
    held_out = comparison.pictures(comparison.data.validation_pixels)

    chosen = torch.randperm(len(held_out), generator=torch.Generator().manual_seed(0))[:PROBES]
    found, (probes, *_) = (nearest_views(some, training) for some in (images, held_out[chosen, 0]))
    near, apart = closeness(found[0], probes), gap(images, training, held_out)
    pairs = closest(found, SHOWN)
    report = {
        "verdict": verdict(near, apart),
        "closeness": {**asdict(near), "share": near.share},
        "gap": {**asdict(apart), "share": apart.share},
        "closest": [pair._asdict() | {"origin": comparison.data.origin_of(pair.training_picture)} for pair in pairs],
        "card": comparison.card(),
    }
    write_text(folder / "report.json", to_json(report) + "\n")
    numbers = ",".join(str(pair.image) for pair in pairs)
    picture = grid(comparison.side_by_side(pairs, images, held_out), len(pairs))
    save_png(picture, folder / "closest.png", {**comparison.trained.origin, "seed": seed, "images": numbers})
    typer.echo(to_json(report) if as_json else f"{report['verdict']}\nreport.json and closest.png are in {folder}")
