"""How a sweep's jobs are called: by their overrides."""

import hashlib
import re
from collections.abc import Iterable, Sequence

from omegaconf import OmegaConf

HOW = ("hydra.", "hydra/", "retry=", "resume=")
"""Overrides that are no part of a job's name begin with one of these."""


def folder_name(overrides: str) -> str:
    """A sweep's overrides as the name of one folder: without slashes, and no longer than file systems allow.

    Where the name says less than the overrides do, a hash of them ends it, so that no two jobs share a folder.
    """
    name = overrides.replace("/", "_") or "default"
    whole = name.encode()
    long = len(whole) > 150
    if not long and "/" not in overrides:
        return name
    shown = whole[:130].decode(errors="ignore") if long else name
    return f"{shown}…{hashlib.blake2b(overrides.encode(), digest_size=6).hexdigest()}"


def of_the_job(overrides: Sequence[str]) -> list[str]:
    """Those that say what is trained: neither how Hydra starts it, nor whether it goes on or is tried again."""
    return [word for word in overrides if not word.lstrip("+~").startswith(HOW)]


def key(overrides: Sequence[str]) -> str:
    """The name of a job in the ledger, whatever the order of its overrides."""
    return hashlib.blake2b("\n".join(sorted(of_the_job(overrides))).encode(), digest_size=8).hexdigest()


def distinct(jobs: Iterable[Sequence[str]]) -> list[list[str]]:
    """Each job once, in the order of their first mention."""
    found: dict[str, list[str]] = {}
    for job in jobs:
        found.setdefault(key(job), [*job])
    return [*found.values()]


def quote(value: str) -> str:
    """A value as Hydra's override grammar wants it: there, backslashes are special only in front of a quote."""
    escaped = re.sub(r"(\\+)(?='|\Z)", r"\1\1", value).replace("'", r"\'")
    return f"'{escaped}'"


def varying(jobs: Sequence[Sequence[str]]) -> list[list[str]]:
    """Those of each job's overrides that not all jobs have; all, where there is nothing to tell apart."""
    common = set.intersection(*map(set, jobs)) if len(jobs) > 1 else set()
    return [[word for word in job if word not in common] for job in jobs]


OmegaConf.register_new_resolver("folder_name", folder_name, replace=True)
