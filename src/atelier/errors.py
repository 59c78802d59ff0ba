"""Failures that are told in one line, without a traceback. Everything else is a bug and keeps its own."""


class UserError(Exception):
    """The config or the input is at fault: says which key or file, and what would be right. Exit code 2."""


class ConfigError(UserError):
    """Every fault found in a config, one per line."""

    def __init__(self, faults: list[str]) -> None:
        self.faults = faults
        count = "1 fault" if len(faults) == 1 else f"{len(faults)} faults"
        super().__init__("\n  ".join([f"{count} in the config:", *faults]))


class RunError(Exception):
    """A run that began could not go on: says at which step, why, and what is left to go on from. Exit code 1."""


class Diverged(RunError):  # noqa: N818  # its name is told, before its text
    """The recipe failed, and not the machine: a loss is no number any more, or the samples have collapsed."""


class LostProcesses(RunError):  # noqa: N818  # its name is told, before its text
    """Another of the processes that train together has ended: whatever ended that one is the reason."""


class Interrupted(BaseException):
    """The run was stopped from outside; its last checkpoint is whole. Exit code 130.

    Not an Exception: a sweep stops too, rather than go on with its next job.
    """


class StoppedAtOnce(Interrupted):
    """In the middle of something: processes that train together have not agreed on it."""
