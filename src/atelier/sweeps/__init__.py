"""Sweeps: many jobs, each with a folder, an end, a word about it, and a place in the ledger."""

from atelier.sweeps.callback import Jobs, discard, outcome, was_told
from atelier.sweeps.names import folder_name

__all__ = ["Jobs", "discard", "folder_name", "outcome", "was_told"]
