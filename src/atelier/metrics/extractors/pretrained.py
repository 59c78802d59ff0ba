"""Extractors whose weights are a file, which is looked at before it is believed."""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path

from torch import Tensor, nn

from atelier.errors import UserError
from atelier.metrics.extractors.base import Extractor
from atelier.networks.state import content
from atelier.weights.file import WeightsFile


class PretrainedExtractor(Extractor):
    """`weights` is a file of torch's (no code in it is run) or .safetensors; None is the published one, `published`.

    Raises ValueError where there is no such file.
    """

    published: str | None = None
    """What atelier.weights calls the file; needed where `weights` may be None."""

    def __init__(self, weights: str | None, kernel: str) -> None:
        super().__init__(kernel)
        self.file = WeightsFile(weights, self.published)

    @property
    def path(self) -> Path:
        return self.file.path

    def fetch(self) -> None:
        self.file.fetch()
        self.filled()  # a file that does not fit is better known before a training than after

    @property
    def digest(self) -> str:
        return self.file.digest

    def filled(self) -> nn.Module:
        """The network with the weights of the file, frozen, on the CPU. Raises UserError where they do not fit."""
        state = self.adapted(read(self.path))
        network = self.blank(state)
        if fault := misfit(network, state):
            raise UserError(f"metrics.weights: {self.path} holds no weights of {self.name}: {fault}")
        return network.float().eval().requires_grad_(False)

    def adapted(self, state: dict[str, Tensor]) -> dict[str, Tensor]:
        """The tensors of a file under the names, and of the shapes, that the network has."""
        return state

    @abstractmethod
    def blank(self, state: Mapping[str, Tensor]) -> nn.Module:
        """The network that `state` is to fill. Building it must not draw from the run's random numbers."""


def read(path: Path) -> dict[str, Tensor]:
    """The tensors of a file by their names. Raises UserError where it holds anything else."""
    try:
        state = content(path)
    except ValueError as error:
        raise UserError(f"metrics.weights: {error}") from error
    if not isinstance(state, dict) or not all(isinstance(part, Tensor) for part in state.values()):
        raise UserError(f"metrics.weights: {path} holds no weights, but something else than tensors with names")
    return dict(state)


def misfit(network: nn.Module, state: Mapping[str, Tensor]) -> str | None:
    """Fill a network, on the meta device or not. Where `state` does not fit: the first fault."""
    try:
        # torch's own report, for some modules bring the names of older files up to date
        found = network.load_state_dict(state, strict=False, assign=True)
    except RuntimeError as error:  # a line for every tensor of a wrong shape, after a heading
        return str(error).splitlines()[1].strip()
    if found.missing_keys:
        return f"it lacks {found.missing_keys[0]!r}"
    if found.unexpected_keys:
        return f"{found.unexpected_keys[0]!r} does not belong there"
    return None


def normalised(images: Tensor, mean: Sequence[float], deviation: Sequence[float]) -> Tensor:
    """Images (B, 3, H, W) in 0..255, as a network was trained on; `mean` and `deviation` are of colours in [0, 1]."""
    shift, scale = (images.new_tensor(values).view(3, 1, 1) for values in (mean, deviation))
    return (images / 255 - shift) / scale
