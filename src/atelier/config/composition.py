"""What Hydra would not compose, in one line."""


def explain(error: Exception) -> str:
    return str(error)
