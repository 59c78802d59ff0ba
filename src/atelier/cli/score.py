"""`atelier score`: any folder of images against any other, a run against a folder, or stylised pictures."""

from pathlib import Path
from typing import Annotated

import typer

from atelier.cli.numbers import LAST_SEED
from atelier.cli.options import ScoresAsJson
from atelier.cli.scoring.measures import MEASURES, names_in
from atelier.errors import UserError

OF_STYLISED = ("measures", "size")
OF_GENERATED = ("metrics", "scores", "weights", "resize", "count", "seed")


# As long as its options are many: Typer reads them from the signature, and --help lists them in its order.
def score(
    context: typer.Context,
    fake: Annotated[
        Path, typer.Option(help="Folder of the generated or stylised images, or of a run that makes images.")
    ],
    real: Annotated[Path | None, typer.Option(help="Folder of the real images to compare with.")] = None,
    content: Annotated[
        Path | None, typer.Option(help="For style transfer, in place of --real: folder of what was stylised.")
    ] = None,
    style: Annotated[Path | None, typer.Option(help="Folder of the style pictures, with --content.")] = None,
    metrics: Annotated[
        str,
        typer.Option(
            help="The network that looks at the images: embedded, inception, dinov2_vitl14, or a classifier of "
            "torchvision."
        ),
    ] = "embedded",
    scores: Annotated[
        str | None,
        typer.Option(
            help="Which scores, separated by commas; also fid_interval, intra_fid and lpips_diversity "
            "[default: fid, kid, is, precision_recall, density_coverage]."
        ),
    ] = None,
    measures: Annotated[
        str,
        typer.Option(
            help="Which scores of style transfer, separated by commas; also lpips, artfid, cfsd, content_distance… "
            f"[default: {MEASURES.replace(',', ', ')}].",
            show_default=False,  # a line breaks at spaces, and in the midst of a word without them
        ),
    ] = MEASURES,
    size: Annotated[
        int, typer.Option(min=75, help="Pixels a side of the squares that --content, --style and --fake become.")
    ] = 512,
    weights: Annotated[Path | None, typer.Option(help="The network's file [default: downloaded once].")] = None,
    resize: Annotated[
        str | None, typer.Option(help="How images are resized: tf1 or antialias [default: tf1 for inception].")
    ] = None,
    count: Annotated[int | None, typer.Option(min=2, help="How many images a run makes [default: 5000].")] = None,
    seed: Annotated[
        int | None,
        typer.Option(
            min=0, max=LAST_SEED, help="Seed of the images that a run makes, as in `atelier sample` [default: 0]."
        ),
    ] = None,
    as_json: ScoresAsJson = False,
) -> None:
    """Score images of any origin with the code that scores a training; or style transfer, with --content and --style.

    Images are read in their own size, as 8-bit, and resized as --resize says. Only scores with equal cards compare.
    """
    _refuse_a_mixture(context, real, content, style)
    if real is not None:
        from atelier.cli.scoring.folders import extractor_of, score_generated

        network, chosen = extractor_of(metrics, weights, resize), None if scores is None else names_in(scores)
        found = score_generated(real, fake, network, chosen, count, seed)
    elif content is not None and style is not None:
        from atelier.cli.scoring.transfers import score_transfers

        found = score_transfers(content, style, fake, names_in(measures), size)
    from atelier.cli.scoring.tables import tell

    tell(found, as_json)


def _refuse_a_mixture(context: typer.Context, real: Path | None, content: Path | None, style: Path | None) -> None:
    """Raise UserError unless the options are those of one of the two ways."""
    if (real is None) == (content is None and style is None):
        raise UserError("--real, or --content and --style: one of the two must be given beside --fake, and not both")
    if real is None and (content is None or style is None):
        missing, given = ("content", "style") if content is None else ("style", "content")
        raise UserError(f"--{missing}: must be given too, beside --{given}")
    ways = {"--real": OF_GENERATED, "--content and --style": OF_STYLISED}
    chosen, other = ways if real is not None else reversed(ways)
    for name in ways[other]:
        source = context.get_parameter_source(name)
        if source is not None and source.name == "COMMANDLINE":
            raise UserError(f"--{name}: belongs to {other}, and has no meaning with {chosen}")
