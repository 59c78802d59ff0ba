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
