"""Small collections in shards: what several tests of them do."""

from itertools import islice

from atelier.data.remote import Remote
from atelier.data.shard_files import INDEX, Index
from atelier.data.streamed import StreamedData

SIZE, COUNT, BATCH = 8, 120, 6
PER_SHARD = 10
MEGABYTES = PER_SHARD * SIZE * SIZE * 3 / 1e6
SHARD_BYTES = PER_SHARD * SIZE * SIZE * 3 + 128


def streamed(root, **options):
    settings = {"image_size": SIZE, "batch_size": BATCH, "seed": 3, "window": 3, "num_workers": 0}
    data = StreamedData(root=root, **settings | options)
    data.prepare()
    return data


def batches(data, count, place=None):
    data.trainer = place
    return [*islice(data.train_dataloader(), count)]


def forget_shards(root):
    """Those at hand."""
    folder = streamed(root).train_pixels._cache.folder
    folder.rename(folder.with_name("away"))


def as_bytes(images):
    """Each picture, whether mirrored or not."""
    return [min(picture.numpy().tobytes(), picture.flip(2).numpy().tobytes()) for picture in images.byte()]


def damage(root, number, how):
    remote = Remote(root)
    shard = Index.of(remote.read(INDEX)).shards[number]
    content = remote.read(shard.name)
    if how == "missing":
        remote.remove([shard.name])
    else:
        remote.write(shard.name, content[:-40] if how == "truncated" else b"PAR1" + content[5:] + b"!")
    return shard.name
