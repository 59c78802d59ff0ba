"""What a stylised picture says of itself: how it was made, and that a network had a hand in it."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from PIL import Image
from PIL.PngImagePlugin import PngInfo

from atelier.data import pictures
from atelier.notes import text_chunks

_DESCRIPTION = 0x010E  # of EXIF and TIFF
_XMP = 0x02BC  # of TIFF

# IPTC's word for a picture that is partly a generative network's (newscodes.iptc.org, "Digital Source Type")
SOURCE_TYPE = "http://cv.iptc.org/newscodes/digitalsourcetype/compositeWithTrainedAlgorithmicMedia"

_PACKET = f"""<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/"
 Iptc4xmpExt:DigitalSourceType="{SOURCE_TYPE}"/>
</rdf:RDF></x:xmpmeta>
<?xpacket end="w"?>""".encode()


def options(kind: str, note: Mapping[str, object]) -> dict[str, Any]:
    """Of Pillow's `save`, for one of its formats: the note as JSON in the description, and the source type as XMP.

    A PNG says each entry in a text chunk, too, where most viewers look.
    """
    exif = Image.Exif()
    exif[_DESCRIPTION] = json.dumps(note, default=str)
    if kind == "TIFF":
        exif[_XMP] = _PACKET
        return {"exif": exif}
    if kind == "PNG":
        return {"exif": exif, "pnginfo": _chunks(note)}
    return {"exif": exif, "xmp": _PACKET}


def read_note(path: Path) -> dict[str, Any]:
    """The note that a picture was written with; empty where it has none. Raises BrokenPicture."""
    return note_of(pictures.inspect(path.read_bytes(), lambda picture: picture.getexif().get(_DESCRIPTION)))


def read_chunks(path: Path) -> dict[str, str]:
    """A picture's text chunks; of another format than PNG, what Pillow knows of it in words. Raises BrokenPicture."""
    known = pictures.inspect(path.read_bytes(), lambda picture: dict(picture.info))
    return {str(key): text for key, text in known.items() if isinstance(text, str)}


def note_of(text: str | bytes | None) -> dict[str, Any]:
    """The note in a file's description; empty where that is somebody else's."""
    try:
        note = json.loads(text or "")
    except ValueError:
        return {}
    return note if isinstance(note, dict) else {}


def _chunks(note: Mapping[str, object]) -> PngInfo:
    chunks = text_chunks(note)
    chunks.add_itxt("XML:com.adobe.xmp", _PACKET.decode())
    return chunks
