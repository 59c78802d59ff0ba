"""What the words of a training's command line say, before Hydra has read them."""

from collections.abc import Sequence

MULTIRUN = ("-m", "--multirun")
AUTO = "auto"
"""`resume=auto`: the run goes on if there is one, and else begins."""


def is_multirun(words: Sequence[str]) -> bool:
    return any(word in MULTIRUN for word in words)


def value(key: str, words: Sequence[str]) -> str | None:
    """What the last `key=value` says, which is the one that Hydra takes, without its quotes; None for null or nothing.

    In quotes, null is a text.
    """
    text = next((word.partition("=")[2] for word in reversed(words) if word.startswith(f"{key}=")), "")
    return None if text.lower() == "null" else text.strip("'\"") or None


def resumed(words: Sequence[str]) -> str | None:
    """The path after `resume=`, which is that of a run, a checkpoint or a sweep."""
    path = value("resume", words)
    return None if path == AUTO else path
