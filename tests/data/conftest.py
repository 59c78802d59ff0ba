import pytest
from coordinates import put
from degrading import NOISE, SMALL
from omegaconf import OmegaConf
from pairs_on_disk import put_both, put_pair

from atelier.config import build, check
from atelier.data.degraded import Degraded
from atelier.data.paired import PairedPictures
from atelier.data.pairs import ContentStyle
from atelier.labels import presume


@pytest.fixture
def checked(composed):
    """The data of a config, found faultless. Models are others' business."""

    def checked_data(*overrides):
        cfg = presume(composed(*overrides, "metrics=none"))
        check(OmegaConf.masked_copy(cfg, ("data", "degradation", "seed", "classes")))
        return build(cfg.data, "data")

    return checked_data


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    root = tmp_path_factory.mktemp("pictures")
    for number in range(30):
        put(root / "paintings" / f"{number}.png", number)
    return root / "paintings"


@pytest.fixture
def degraded(pictures):
    def prepared(**changes):
        data = Degraded(**SMALL | {"root": str(pictures), "resize": 24, "chain": NOISE} | changes)
        data.prepare()
        return data

    return prepared


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Thirty photographs in one folder, beside COCO's annotations; seven paintings by style."""
    root = tmp_path_factory.mktemp("pictures")
    for number in range(30):
        put(root / "coco" / "train2017" / f"{number:012}.png", number)
    (root / "coco" / "train2017" / "captions.json").write_text("{}")
    for number in range(7):
        put(root / "art" / ("cubism" if number < 3 else "baroque") / f"{number}.png", number + 40)
    return root


@pytest.fixture
def content_style(folders):
    def prepared(**changes):
        given = {"content": str(folders / "coco"), "style": str(folders / "art"), "resize": 24}
        data = ContentStyle(**SMALL | given | changes)
        data.prepare()
        return data

    return prepared


@pytest.fixture(scope="module")
def pairs(tmp_path_factory):
    """The same thirty pairs twice: contents and their negatives in two folders, and side by side."""
    root = tmp_path_factory.mktemp("pairs")
    for number in range(30):
        name = f"{'deep/er' if number < 10 else 'flat'}/{number:02}"
        put_pair(root, name, number)
        put_both(root / "both" / f"{name}.png", number)
    return root


@pytest.fixture(params=["two folders", "side by side"])
def layout(request, pairs):
    if request.param == "side by side":
        return {"root": str(pairs / "both")}
    return {"content": str(pairs / "content"), "target": str(pairs / "target")}


@pytest.fixture
def paired(pairs):
    def prepared(**changes):
        given = {} if {"root", "content", "target"} & changes.keys() else {"root": str(pairs / "both")}
        data = PairedPictures(**SMALL | {"resize": 24} | given | changes)
        data.prepare()
        return data

    return prepared
