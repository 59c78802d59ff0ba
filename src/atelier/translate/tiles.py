"""How large the tiles are that a picture is drawn in, in pixels, where nothing else is asked for."""

SIDE, OVERLAP = 512, 64
