"""Colour profiles as cameras write them."""

import struct


def of_space(red, green=None, blue=None):
    """A profile of RGB by its primaries, XYZ under D50, with sRGB's curve; of linear grey without any."""
    white = _tag(b"XYZ ", *_fixed((0.9642, 1, 0.8249)))
    tags = {b"desc": b"desc" + bytes(4) + struct.pack(">I", 2) + b"A\0" + bytes(78), b"wtpt": white}
    if red is None:
        tags[b"kTRC"] = _tag(b"curv", 0)
    else:
        curve = [round(65535 * _light(level / 1023)) for level in range(1024)]
        shape = b"curv" + bytes(4) + struct.pack(">I1024H", 1024, *curve)
        for name, primary in {b"r": red, b"g": green, b"b": blue}.items():
            tags |= {name + b"XYZ": _tag(b"XYZ ", *_fixed(primary)), name + b"TRC": shape}
    return _profile(b"mntr" + (b"GRAY" if red is None else b"RGB "), b"XYZ ", tags)


def of_inks(colour):
    """A profile of CMYK, of which `colour` says the Lab, in 8 bits, of each mixture of whole inks."""
    mixtures = [[mixture >> place & 1 for place in (3, 2, 1, 0)] for mixture in range(16)]
    straight = bytes(range(256))
    matrix = _fixed((1, 0, 0, 0, 1, 0, 0, 0, 1))
    look_up = b"mft1" + bytes(4) + bytes([4, 3, 2, 0]) + struct.pack(">9i", *matrix) + 4 * straight
    look_up += bytes(level for mixture in mixtures for level in colour(*mixture)) + 3 * straight
    white = _tag(b"XYZ ", *_fixed((0.9642, 1, 0.8249)))
    return _profile(b"prtrCMYK", b"Lab ", {b"wtpt": white, b"A2B0": look_up})


def _profile(kind, connection, tags):
    table, body, start = b"", b"", 132 + 12 * len(tags)
    for name, data in tags.items():
        table += struct.pack(">4sII", name, start + len(body), len(data))
        body += data + bytes(-len(data) % 4)
    d50 = _fixed((0.9642, 1, 0.8249))
    head = struct.pack(">8xI8s4s12x4s28x3i", 0x02100000, kind, connection, b"acsp", *d50)
    whole = bytearray(head.ljust(128, b"\0") + struct.pack(">I", len(tags)) + table + body)
    whole[:4] = struct.pack(">I", len(whole))
    return bytes(whole)


def _light(level):
    return level / 12.92 if level <= 0.04045 else ((level + 0.055) / 1.055) ** 2.4


def _fixed(numbers):
    return [round(65536 * number) for number in numbers]


def _tag(kind, *numbers):
    return kind + bytes(4) + struct.pack(f">{len(numbers)}i", *numbers)


DISPLAY_P3 = of_space((0.515102, 0.241182, -0.001050), (0.291965, 0.692236, 0.041881), (0.157153, 0.066582, 0.784378))
