"""`data=degraded` with each `degradation` of conf/, and what is refused of such a config."""

from pathlib import Path

import pytest
import torch
from coordinates import training

from atelier.errors import ConfigError


@pytest.mark.parametrize(
    ("degradation", "scale", "mask"),
    [
        ("none", 1, False),
        ("scratches", 1, False),
        ("inpainting", 1, True),
        ("super_resolution_x2", 2, False),
        ("super_resolution_x4", 4, False),
        ("colourisation", 1, False),
        ("denoising", 1, False),
        ("old_painting", 1, False),
        ("sketch", 1, False),
    ],
)
def test_the_shipped_degradations(checked, degradation, scale, mask):
    small = ["data.root.count=30", "data.image_size=16", "data.resize=24", "data.batch_size=4"]
    data = checked("data=degraded", f"degradation={degradation}", *small)
    data.prepare()
    batch = training(data, 1)[0]
    assert batch.content.shape == (4, 3, 16 // scale, 16 // scale)
    assert (batch.known is not None) == mask
    assert batch.content.abs().max() <= 1
    assert torch.equal(batch.content, batch.target) == (degradation == "none")


def test_every_shipped_degradation_is_among_these():
    shipped = {path.stem for path in (Path(__file__).parents[2] / "conf" / "degradation").glob("*.yaml")}
    tested = {case[0] for case in test_the_shipped_degradations.pytestmark[0].args[1]}
    assert shipped == tested


def test_one_of_a_chain_is_switched_off(checked):
    data = checked("data=degraded", "degradation.chain.scratches=null")
    assert list(data.chain) == ["varnish", "scratches", "blur", "noise"]
    assert data.chain["scratches"] is None
    assert data.root.keywords == {"count": 512}


@pytest.mark.parametrize(
    ("overrides", "fault"),
    [
        (["data.root=nowhere"], "data.root: no such folder: 'nowhere'"),
        (
            ["degradation.chain.blur.sigma=[2,1]"],
            r"degradation.chain.blur.sigma: must be \[low, high\] .* got \[2, 1\]",
        ),
        (
            ["degradation.chain.blur.sigma=2"],
            r"degradation.chain.blur.sigma: expected list of 2 \(float, float\), got 2",
        ),
        (["degradation=super_resolution_x2", "degradation.scale=4"], r"degradation.scale: must be what .*\(2\), got 4"),
        (["degradation=super_resolution_x4", "data.image_size=30"], r"data.image_size: must be a multiple of .*4.*30"),
        (["degradation=inpainting", "data.reverse=true"], "data.reverse: must be false with data.mask"),
    ],
)
def test_faults_are_told_before_anything_is_decoded(checked, overrides, fault):
    with pytest.raises(ConfigError, match=fault):
        checked("data=degraded", *overrides)
