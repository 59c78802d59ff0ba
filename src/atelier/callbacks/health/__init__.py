"""Training health: signs that a GAN goes wrong, told in plain words, and what may be done about it."""

from atelier.callbacks.health.callback import Health

__all__ = ["Health"]
