"""What a config may say that no constructor refuses, and that would fail late or quietly."""

from typing import Any

from omegaconf import DictConfig

from atelier.data.module import ImageData
from atelier.errors import ConfigError

SEEDS = range(2**32)


def refuse_unsupported(cfg: DictConfig) -> None:
    """Raise ConfigError for values that the trainer takes and the pipeline does not."""
    faults = [
        f"{key}: {text}, got {value!r}"
        for key, value, fine, text in _rules(cfg.trainer, cfg.seed)
        if value is not None and not fine
    ]
    if faults:
        raise ConfigError(faults)


def refuse_pictures_of_points(cfg: DictConfig, data: Any) -> None:
    """Raise ConfigError for what looks at pictures, where the data has none."""
    asked = {
        "metrics": (cfg.metrics, "metrics=none"),
        "callbacks.samples": (cfg.callbacks.get("samples"), "callbacks.samples=null"),
        "seamless": (cfg.seamless, "seamless=false"),
    }
    faults = [f"{key}: is for pictures, and the data has none: {way}" for key, (value, way) in asked.items() if value]
    if faults and not isinstance(data, ImageData):
        raise ConfigError(faults)


def _rules(trainer: DictConfig, seed: int) -> list[tuple[str, Any, bool, str]]:
    interval, precision = trainer.get("val_check_interval"), trainer.get("precision")
    devices, nodes = trainer.get("devices"), trainer.get("num_nodes")
    return [
        ("seed", seed, seed in SEEDS, f"must be between 0 and {SEEDS[-1]}"),
        (
            "trainer.val_check_interval",
            interval,
            isinstance(interval, int) and interval > 0,
            "must be steps, 1 or more",
        ),
        ("trainer.precision", precision, _is_mixed_or_full(precision), "must be full or mixed: 32-true or bf16-mixed"),
        # replicas, counts of real pictures and the agreement to stop are not yet right across processes
        ("trainer.devices", devices, devices in (1, "1", [0]), "must be 1: one device at a time is supported"),
        ("trainer.num_nodes", nodes, nodes == 1, "must be 1: one device at a time is supported"),
    ]


def _is_mixed_or_full(precision: Any) -> bool:
    return str(precision) in {"32", "32-true", "bf16-mixed", "16-mixed"}
