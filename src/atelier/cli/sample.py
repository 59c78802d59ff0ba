"""`atelier sample`: images from a trained generator."""

from pathlib import Path
from typing import Annotated, cast

import typer


def sample(
    run: Annotated[Path, typer.Argument(help="The run folder.")],
    count: Annotated[int, typer.Option(min=1, help="How many images.")] = 64,
    seed: Annotated[int, typer.Option(help="The same seed makes the same images.")] = 0,
    out: Annotated[Path | None, typer.Option(help="Folder for the images [default: RUN/generated/seed-SEED].")] = None,
    checkpoint: Annotated[Path | None, typer.Option(help="[default: the run's best]")] = None,
) -> None:
    """Write images from a trained generator, one PNG each, and a grid of them."""
    import torch

    from atelier import run as runs
    from atelier.callbacks.protocols import Sampler
    from atelier.hashing import mix
    from atelier.record.grids import grid, save_png, to_pixels

    task, _, content = runs.load(run, checkpoint)
    sampler = cast(Sampler, task)
    folder = out or run / "generated" / f"seed-{seed}"
    name = "/".join(run.absolute().parts[-2:])
    first: list[torch.Tensor] = []
    for index in range(count):
        # a seed of its own for each, so that image 7 is the same whether ten are asked for or a thousand
        image = to_pixels(sampler.sample(1, generator=torch.Generator().manual_seed(mix(seed, index))))
        note = {"run": name, "step": content["global_step"], "seed": seed, "index": index}
        save_png(image[0].permute(1, 2, 0).numpy(), folder / f"{index:05d}.png", note)
        first += [image] if index < 64 else []
    save_png(
        grid(torch.cat(first)),
        folder / "grid.png",
        {"run": name, "step": content["global_step"], "seed": seed},
    )
    typer.echo(f"{count} images and grid.png in {folder}")
