"""What a PNG says of itself."""

from collections.abc import Mapping

from PIL.PngImagePlugin import PngInfo


def text_chunks(note: Mapping[str, object]) -> PngInfo:
    """A text chunk for each entry."""
    chunks = PngInfo()
    for key, text in texts(note).items():
        chunks.add_text(key, text)
    return chunks


def texts(note: Mapping[str, object]) -> dict[str, str]:
    """What the chunks say. Names of files need not be text: what is none is escaped."""
    return {key: str(value).encode("utf-8", "backslashreplace").decode() for key, value in note.items()}
