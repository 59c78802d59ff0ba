"""What a config may say that no constructor refuses, and that would fail late or quietly."""

from collections.abc import Iterator
from typing import Any

from omegaconf import DictConfig
from pytorch_lightning import LightningModule, Trainer

from atelier.callbacks.time_limit import TimeLimit
from atelier.data.endless import EndlessData
from atelier.distributed import external
from atelier.errors import ConfigError

SEEDS = range(2**32)

ENDLESS = "training is one endless epoch, and trainer.max_steps its end"
IDLE: dict[str, tuple[tuple[Any, ...], str]] = {
    "limit_train_batches": ((1.0,), f"must be null, for {ENDLESS}"),
    "overfit_batches": ((0, 0.0), "must be 0; a few pictures are a data.root of their own"),
    "max_epochs": ((-1,), f"must be -1, for {ENDLESS}"),
    "min_epochs": ((), f"must be null, for {ENDLESS}"),
    "min_steps": ((), f"must be null, for {ENDLESS}"),
    "check_val_every_n_epoch": (
        (1,),
        "must be null, for the first epoch never ends: trainer.val_check_interval",
    ),
    "fast_dev_run": ((False, 0), "must be false, for it keeps no record; trainer.max_steps=1 is a short run"),
}
"""Lightning's keys that would do nothing here, or harm: the values with which they do not, beside null, and why."""


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


def refuse_no_validation(cfg: DictConfig, data: EndlessData) -> None:
    """Raise ConfigError where a share of the held-out batches is not even one."""
    share, batches = cfg.trainer.get("limit_val_batches"), len(data.val_dataloader())
    if isinstance(share, float) and share < 1 and int(share * batches) < 1:
        raise ConfigError([f"trainer.limit_val_batches: must be 1 or more, for {share} of {batches} batches is none"])


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


def refuse_other_optimisation(cfg: DictConfig, task: LightningModule) -> None:
    """Raise ConfigError for what Lightning does only where it steps the optimisers itself."""
    if task.automatic_optimization:
        return
    faults, clipped, batches = [], cfg.trainer.get("gradient_clip_val"), cfg.trainer.get("accumulate_grad_batches")
    if clipped:
        faults.append(f"trainer.gradient_clip_val: players are clipped one by one: model.clip_norm={clipped}")
    if batches not in (None, 1):
        faults.append(f"trainer.accumulate_grad_batches: must be 1 where players take turns, got {batches}")
    if faults:
        raise ConfigError(faults)


def _rules(trainer: DictConfig, seed: int) -> list[tuple[str, Any, bool, str]]:
    interval, precision = trainer.get("val_check_interval"), trainer.get("precision")
    limit, of_one_step = trainer.get("limit_val_batches"), trainer.get("accumulate_grad_batches") or 1
    checkpoints = trainer.get("enable_checkpointing") is not False  # for Lightning null is true, too
    sanity = 2 if trainer.get("num_sanity_val_steps") is None else trainer.num_sanity_val_steps  # Lightning's own
    return [
        ("seed", seed, seed in SEEDS, f"must be between 0 and {SEEDS[-1]}"),
        (
            "trainer.val_check_interval",
            interval,
            isinstance(interval, int) and interval > 0,
            "must be batches, 1 or more",
        ),
        (
            "trainer.val_check_interval",
            interval,
            not isinstance(interval, int) or interval % of_one_step == 0,
            f"must be whole steps of trainer.accumulate_grad_batches={of_one_step}",
        ),
        ("trainer.num_sanity_val_steps", sanity, sanity == 0, "must be 0"),
        (
            "trainer.enable_checkpointing",
            checkpoints,
            not checkpoints,
            "must be false: the run keeps checkpoints of its own",
        ),
        ("trainer.limit_val_batches", limit, limit != 0, "must be 1 or more: what is not validated is not saved"),
        *_idle(trainer),
        (
            "trainer.max_time",
            trainer.get("max_time"),
            _is_some_time(trainer.get("max_time")),
            "must be DD:HH:MM:SS (in a file, in quotes) or as {hours: 8, minutes: 30}, and more than none",
        ),
        ("trainer.precision", precision, _is_mixed_or_full(precision), "must be full or mixed: 32-true or bf16-mixed"),
    ]


def _idle(trainer: DictConfig) -> Iterator[tuple[str, Any, bool, str]]:
    """Of the same type, too: 1.0 is all batches to Lightning, and 1 is one."""
    for key, (values, text) in IDLE.items():
        value = trainer.get(key)
        yield f"trainer.{key}", value, any(value == one and type(value) is type(one) for one in values), text


def _is_some_time(max_time: Any) -> bool:
    try:
        return not TimeLimit(max_time).is_over
    except ValueError:
        return False


def _is_mixed_or_full(precision: Any) -> bool:
    return str(precision) in {"32", "32-true", "bf16-mixed", "16-mixed"}
