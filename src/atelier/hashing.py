"""Seeds made from numbers: what a step draws depends on which step it is, never on what was drawn before."""


def mix(*numbers: int) -> int:
    """A 63-bit hash of integers, the same on every machine and in every process.

    The mixing is SplitMix64's finaliser (Steele et al. 2014, "Fast splittable pseudorandom number generators").
    """
    state = 0
    for number in numbers:
        state = (state + 0x9E3779B97F4A7C15 + number) & _MASK
        state = ((state ^ (state >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
        state = ((state ^ (state >> 27)) * 0x94D049BB133111EB) & _MASK
        state ^= state >> 31
    return state >> 1


_MASK = (1 << 64) - 1
