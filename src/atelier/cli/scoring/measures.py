"""Scores of style transfer as the command line names them."""

MEASURES = "embedded_style_distance,embedded_content_distance,embedded_cfsd,ssim,colour_histogram_distance"
"""Those that need no download. The first ranks on a leaderboard."""


def names_in(text: str) -> list[str]:
    """`fid, kid` as a list."""
    return [name.strip() for name in text.split(",") if name.strip()]
