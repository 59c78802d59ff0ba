"""What a config may say that no constructor refuses, and that would fail late or quietly."""

from typing import Any

from omegaconf import DictConfig
from pytorch_lightning import Trainer

from atelier.data.endless import EndlessData
from atelier.distributed import external
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


def refuse_unshared(trainer: Trainer, data: EndlessData) -> None:
    """Raise ConfigError for work that several processes are to share and cannot, or would each do all of."""
    processes, started = trainer.world_size, external.start()
    if processes == 1 and started is None:
        return
    if started and started.world != processes:
        fault = (
            f"trainer: {started.by} has started {started.world} processes, and this config is for {processes}: "
            f"trainer={started.by.lower()}"
        )
    elif trainer.num_nodes > 1 and not launched(trainer):
        fault = f"trainer.num_nodes: {trainer.num_nodes} machines need a start on each: torchrun, or trainer=slurm"
    elif not getattr(trainer.strategy, "_ddp_kwargs", {}).get("find_unused_parameters"):  # players take turns
        fault = "trainer.strategy: several devices train by trainer=ddp"
    elif data.batch_size % processes:
        fault = f"data.batch_size: {data.batch_size} pictures cannot be shared evenly by {processes} devices"
    elif len(data.validation_pixels) < processes:
        fault = f"data.validation: {len(data.validation_pixels)} held-out pictures are too few for {processes} devices"
    else:
        return
    raise ConfigError([fault])


def launched(trainer: Trainer) -> bool:
    """Whether torchrun, SLURM or a launcher of ours has started the processes."""
    environment = getattr(trainer.strategy, "cluster_environment", None)
    return environment is not None and environment.creates_processes_externally


def refuse_pictures_of_points(cfg: DictConfig, data: EndlessData) -> None:
    """Raise ConfigError for what looks at pictures, where the data has none."""
    asked = {
        "metrics": (cfg.metrics, "metrics=none"),
        "callbacks.samples": (cfg.callbacks.get("samples"), "callbacks.samples=null"),
        "seamless": (cfg.seamless, "seamless=false"),
    }
    faults = [f"{key}: is for pictures, and the data has none: {way}" for key, (value, way) in asked.items() if value]
    if faults and not data.pictures:
        raise ConfigError(faults)


def _rules(trainer: DictConfig, seed: int) -> list[tuple[str, Any, bool, str]]:
    interval, precision = trainer.get("val_check_interval"), trainer.get("precision")
    sanity = 2 if trainer.get("num_sanity_val_steps") is None else trainer.num_sanity_val_steps  # Lightning's own
    return [
        ("seed", seed, seed in SEEDS, f"must be between 0 and {SEEDS[-1]}"),
        (
            "trainer.val_check_interval",
            interval,
            isinstance(interval, int) and interval > 0,
            "must be steps, 1 or more",
        ),
        ("trainer.num_sanity_val_steps", sanity, sanity == 0, "must be 0"),
        ("trainer.precision", precision, _is_mixed_or_full(precision), "must be full or mixed: 32-true or bf16-mixed"),
    ]


def _is_mixed_or_full(precision: Any) -> bool:
    return str(precision) in {"32", "32-true", "bf16-mixed", "16-mixed"}
