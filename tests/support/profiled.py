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
    table, body, start = b"", b"", 132 + 12 * len(tags)
    for name, data in tags.items():
        table += struct.pack(">4sII", name, start + len(body), len(data))
        body += data + bytes(-len(data) % 4)
    space = b"GRAY" if red is None else b"RGB "
    d50 = _fixed((0.9642, 1, 0.8249))
    head = struct.pack(">8xI8s4s12x4s28x3i", 0x02100000, b"mntr" + space, b"XYZ ", b"acsp", *d50)
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
