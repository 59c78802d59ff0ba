"""Why a job ended, in one line."""

SHOWN = 2
"""Lines of a longer reason that are told: launchers break their sentences, and of many faults two are enough."""


def gist(reason: object) -> str:
    """A traceback's last line, or the first lines of anything else, without a heading such as `3 faults:`."""
    lines = [line.strip() for line in str(reason or "").splitlines() if line.strip()]
    if not lines:
        return "it does not say why"
    if lines[0].startswith("Traceback"):
        return lines[-1]
    if lines[0].endswith(":") and len(lines) > 1:
        lines = lines[1:]
    return "; ".join(lines[:SHOWN]) + (" …" if len(lines) > SHOWN else "")
