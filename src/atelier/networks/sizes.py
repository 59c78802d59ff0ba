"""Which image sizes a network that doubles from 4 x 4 can make."""


def doublings(image_size: int, smallest: int = 8) -> int:
    """How often 4 doubles to `image_size`.

    Raises ValueError for other sizes, naming the nearest that work.
    """
    if image_size < smallest or image_size & (image_size - 1):
        below = max(smallest, 1 << (max(image_size, 1).bit_length() - 1))
        nearest = f"{below} or {2 * below}" if image_size > smallest else str(smallest)
        raise ValueError(f"image_size must be a power of two >= {smallest}, got {image_size} (nearest: {nearest})")
    return image_size.bit_length() - 3


def refuse_narrow(width: int) -> None:
    """Raise ValueError for a width of no channels."""
    if width < 1:
        raise ValueError(f"width must be >= 1, got {width}")


def channels(image_size: int, width: int, max_width: int, smallest: int = 8) -> list[int]:
    """Channels of feature maps of side 4, 8, … `image_size`: `width` at the finest, twice as many at each coarser one,
    at most `max_width`.

    (Karras et al. 2018, "Progressive growing of GANs", table 2.)
    """
    refuse_narrow(width)
    if max_width < width:
        raise ValueError(f"max_width must be >= width = {width}, got {max_width}")
    return [min(max_width, width * 2**depth) for depth in reversed(range(doublings(image_size, smallest) + 1))]
