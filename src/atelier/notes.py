"""What a PNG says of itself."""

from collections.abc import Mapping

from PIL.PngImagePlugin import PngInfo


def text_chunks(note: Mapping[str, object]) -> PngInfo:
    """A text chunk for each entry. Names of files need not be text: what is none is escaped."""
    chunks = PngInfo()
    for key, value in note.items():
        chunks.add_text(key, str(value).encode("utf-8", "backslashreplace").decode())
    return chunks
