"""Gradients and penalties: whether each player still learns, and from what."""

import math
from collections.abc import Iterable, Mapping
from statistics import median
from typing import Any

from pytorch_lightning import LightningModule
from torch import Tensor
from torch.amp.grad_scaler import GradScaler
from torch.nn.utils import get_total_norm
from torch.optim import Optimizer

from atelier.callbacks.health.chart import Findings

VANISHED = 1e-8
"""Root mean square of a gradient: below the epsilon of Adam, its steps shrink with the gradient."""
EXPLODED = 100.0
"""Times the median of what was seen before."""
SWAMPED = 0.99
"""Median share of a player's loss that is not its objective."""
SKIPPED = -1.0
"""Stands for the norm of a step that will be skipped."""
REMEMBERED, ENOUGH = 50, 10
"""Looks that a median is of: the last so many, and at least so many."""


class Pulse:
    """Norms of each player's gradient, and the penalties' share of its loss, at the steps that are logged.

    A norm is measured at the player's first step from a logged one on, and stays on its device until the next row.
    They are those before clipping. A player is called as the part of the task that it trains. A step that a `scaler`
    of half precision skips, its gradient having left the range, has no norm; many in a row are a sign.
    """

    def __init__(self) -> None:
        self.sizes: dict[str, int] = {}
        self._optimizers: list[tuple[str, Optimizer]] = []
        self._rhythms: dict[str, int] = {}
        self._awaited: set[str] = set()
        self._norms: dict[str, Tensor] = {}
        self._skipped: dict[str, int] = {}
        self._past: dict[str, list[float]] = {}

    def attach(self, task: LightningModule, optimizers: Iterable[Optimizer]) -> None:
        owner = {weights: name.partition(".")[0] for name, weights in task.named_parameters()}
        self._optimizers = [(owner[next(_weights(optimizer))], optimizer) for optimizer in optimizers]
        rhythms = {path.rpartition(".")[2]: getattr(part, "every", 1) for path, part in task.named_modules()}
        self._rhythms = {name: every for name, every in rhythms.items() if every != 1}
        self.sizes = {name: sum(part.numel() for part in _weights(optimizer)) for name, optimizer in self._optimizers}

    def await_all(self) -> None:
        """Measure every player's next step."""
        self._awaited = {*self.sizes}

    def feel(self, optimizer: Optimizer, scaler: GradScaler | None = None) -> None:
        """Measure the gradients of this player, if it is awaited. A fused optimiser's are still scaled by `scaler`."""
        name = next((name for name, own in self._optimizers if own is optimizer), None)
        if name in self._awaited:
            self._awaited.discard(name)
            norm = get_total_norm([weights.grad for weights in _weights(optimizer) if weights.grad is not None])
            self._norms[name] = norm if scaler is None else _unscaled(norm, optimizer, scaler)

    def readings(self, terms: Mapping[str, Tensor]) -> dict[str, float]:
        """What there is to log, of the norms since the last row and of the terms `player/name` of the losses.

        A term of every `every`-th update was scaled up by as much: its share is that of all updates.
        """
        looks = {name: norm.item() for name, norm in self._norms.items()}
        self._skipped |= {
            name: self._skipped.get(name, 0) + 1 if look == SKIPPED else 0 for name, look in looks.items()
        }
        norms = {f"{name}_gradient": look for name, look in looks.items() if look != SKIPPED}
        usual = {name: float(term) / self._rhythms.get(name.split("/")[-1], 1) for name, term in terms.items()}
        shares = {f"{name}_penalties": share for name in self.sizes if (share := _share(name, usual)) is not None}
        self._norms = {}
        return norms | shares

    def findings(self, readings: Mapping[str, float]) -> Findings:
        """What the readings mean, beside those before them; after this they are among those before."""
        found: dict[str, str | None] = {}
        for name, size in self.sizes.items():
            found[f"skipped {name}"] = _at_a_standstill(name) if self._skipped.get(name, 0) >= ENOUGH else None
            if (norm := readings.get(f"{name}_gradient")) is not None:
                found |= self._of_gradient(name, norm, size)
            if (share := readings.get(f"{name}_penalties")) is not None:
                found |= self._of_penalties(name, share)
        for key, value in readings.items():
            self._past[key] = [*self._past.get(key, []), value][-REMEMBERED:]
        return found

    def _of_gradient(self, name: str, norm: float, size: int) -> Findings:
        least, before = VANISHED * math.sqrt(size), self._past.get(f"{name}_gradient", [])
        usual = max(median(before), least) if len(before) >= ENOUGH else math.inf
        return {
            f"vanishing {name}": _vanished(name, norm) if norm < least else None,
            f"exploding {name}": _exploded(name, norm, usual) if norm > EXPLODED * usual else None,
        }

    def _of_penalties(self, name: str, share: float) -> Findings:
        shares = [*self._past.get(f"{name}_penalties", []), share][-ENOUGH:]
        swamped = len(shares) == ENOUGH and median(shares) > SWAMPED
        return {f"swamped {name}": _swamped(name, median(shares)) if swamped else None}

    def state_dict(self) -> dict[str, Any]:
        past = {key: list(values) for key, values in self._past.items()}
        norms, skipped = dict(self._norms), dict(self._skipped)
        return {"awaited": sorted(self._awaited), "norms": norms, "past": past, "skipped": skipped}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self._awaited, self._norms, self._past = {*state["awaited"]}, dict(state["norms"]), dict(state["past"])
        self._skipped = dict(state["skipped"])


def _weights(optimizer: Optimizer) -> Any:
    return (weights for group in optimizer.param_groups for weights in group["params"])


def _unscaled(norm: Tensor, optimizer: Optimizer, scaler: GradScaler) -> Tensor:
    if getattr(optimizer, "_step_supports_amp_scaling", False):
        norm = norm / scaler.get_scale()
    return norm.where(norm.isfinite(), SKIPPED)


def _share(player: str, terms: Mapping[str, float]) -> float | None:
    """The share of the terms beside the objective in the sum of all, by their sizes; None where there are no others."""
    sizes = {name: abs(term) for name, term in terms.items() if name.startswith(f"{player}/")}
    objective = sizes.pop(f"{player}/adversarial", None)
    if objective is None or not sizes:
        return None
    rest = sum(sizes.values())
    return rest / (rest + objective) if rest else 0.0


def _vanished(player: str, norm: float) -> str:
    return (
        f"the {player}'s gradient has vanished (norm {norm:.1e}): it no longer learns; try loss=hinge or loss=wgan_gp, "
        "or a smaller model.discriminator_optimizer.lr"
    )


def _exploded(player: str, norm: float, usual: float) -> str:
    return (
        f"the {player}'s gradient explodes (norm {norm:.1e}, usually {usual:.1e}); try model.clip_norm=1 or a smaller "
        f"model.{player}_optimizer.lr"
    )


def _at_a_standstill(player: str) -> str:
    return (
        f"the {player} no longer learns: its gradient leaves half precision's range, and its steps are skipped; try "
        "trainer.precision=bf16-mixed, or 32-true"
    )


def _swamped(player: str, share: float) -> str:
    key = "loss.penalties or model.discriminator_terms" if player == "discriminator" else "model.generator_terms"
    return (
        f"the {player} minimises its penalties and little else ({share:.1%} of its loss); try smaller weights in {key}"
    )
