import pytest
import torch
from shrunk import Broken, Pictures, Shrunk, features, pictures, prepared

from atelier.errors import UserError
from atelier.metrics.reference import reference

CPU = torch.device("cpu")


def test_a_real_collection_is_measured_once_for_the_same_content_network_and_kernel():
    real, extractor = pictures(100, 0), Shrunk()
    first = reference(Pictures(real, "a"), extractor, CPU)
    calls = extractor.calls
    again = reference(Pictures(real, "a"), extractor, CPU)
    assert extractor.calls == calls
    torch.testing.assert_close(again.gaussian, first.gaussian, rtol=0, atol=0)
    torch.testing.assert_close(again.features, first.features, rtol=0, atol=0)
    reference(Pictures(real, "b"), extractor, CPU)
    assert extractor.calls == 2 * calls
    reference(Pictures(real, "a"), Shrunk("tf1"), CPU)
    other = Shrunk("tf1")
    reference(Pictures(real, "a"), other, CPU)
    assert other.calls == 0


def test_of_many_real_images_evenly_spaced_ones_are_kept(monkeypatch):
    monkeypatch.setattr("atelier.metrics.reference.KEPT", 20)
    real = pictures(200, 0)
    found = reference(Pictures(real), Shrunk(), CPU)
    assert found.numbers[[0, -1]].tolist() == [0, 199]
    assert set(found.numbers.diff().tolist()) <= {10, 11}
    torch.testing.assert_close(found.features, features(real)[found.numbers])
    torch.testing.assert_close(found.gaussian.mean, features(real).double().mean(0))


def test_a_network_that_is_broken_is_refused_and_leaves_nothing_in_the_cache(tmp_path):
    with pytest.raises(UserError, match="the shrunk network's features of real images are not finite"):
        prepared(pictures(50, 0), 40, ["fid"], extractor=Broken())
    assert not [*tmp_path.rglob("*.safetensors")]


def test_one_image_has_no_covariance():
    with pytest.raises(UserError, match="needs . real images or more, got 1"):
        prepared(pictures(1, 0), 50)
