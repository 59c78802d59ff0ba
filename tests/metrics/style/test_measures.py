"""What holds for every score of style transfer."""

import pytest
import torch
from torch.testing import assert_close

OF_CONTENT = ["embedded_content_distance", "embedded_cfsd", "lpips"]
OF_STYLE = ["embedded_style_distance", "colour_histogram_distance"]


@pytest.fixture
def triples(pictures):
    return pictures(6, 1), pictures(6, 2), pictures(6, 3)


@pytest.fixture
def score(new):
    def compute(name, content, style, stylised, batch=3):
        measure = new(name)
        for some in zip(content.split(batch), style.split(batch), stylised.split(batch), strict=True):
            measure.update(*some)
        return measure.compute()[name]

    return compute


def noisy(images, deviation):
    """The one noise, at several strengths."""
    noise = torch.randn(images.shape, generator=torch.Generator().manual_seed(9))
    return (images + deviation * noise).round().clamp(0, 255).byte()


def test_every_score_has_its_name(new, name):
    assert new(name).name == name


@pytest.mark.parametrize("name", OF_CONTENT)
def test_a_picture_left_as_it_was_keeps_its_content(score, triples, name):
    content, style, _ = triples
    assert score(name, content, style, content) == pytest.approx(0, abs=1e-12)


def test_a_picture_left_as_it_was_has_full_similarity(score, triples):
    content, style, _ = triples
    assert score("ssim", content, style, content) == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize("name", OF_STYLE)
def test_the_style_itself_is_in_its_own_style(score, triples, name):
    content, style, _ = triples
    assert score(name, content, style, style) == 0


@pytest.mark.parametrize("name", OF_CONTENT)
def test_content_is_lost_in_noise_by_degrees(score, triples, name):
    content, style, _ = triples
    found = [score(name, content, style, noisy(content, deviation)) for deviation in (4, 8, 16, 32, 64)]
    assert found == sorted(found)
    assert found[-1] > 2 * found[0] > 0


def test_similarity_is_lost_in_noise_by_degrees(score, triples):
    content, style, _ = triples
    found = [score("ssim", content, style, noisy(content, deviation)) for deviation in (4, 8, 16, 32, 64)]
    assert found == sorted(found, reverse=True)
    assert 0 < found[-1] < 0.5 < found[0]


@pytest.mark.parametrize("name", OF_STYLE)
def test_style_is_lost_in_noise_by_degrees(score, triples, name):
    content, style, _ = triples
    found = [score(name, content, style, noisy(style, deviation)) for deviation in (8, 16, 32, 64)]
    assert found == sorted(found)
    assert found[-1] > 2 * found[0] > 0


def test_scores_do_not_depend_on_batches_or_order(score, triples, name):
    """Features of another batch differ in their last bits."""
    order = torch.tensor([3, 1, 5, 0, 4, 2])
    once = score(name, *triples, batch=6)
    assert_close(score(name, *triples, batch=1), once, rtol=1e-5, atol=1e-9)
    assert_close(score(name, *(images[order] for images in triples), batch=4), once, rtol=1e-5, atol=1e-9)


def test_two_processes_together_have_the_score_of_one(new, triples, name):
    one, first, second = (new(name) for _ in range(3))
    one.update(*triples)
    first.update(*(images[:2] for images in triples))
    second.update(*(images[2:] for images in triples))

    first.merge_state(second)

    assert_close(first.compute()[name], one.compute()[name], rtol=1e-5, atol=1e-9)


def test_what_processes_exchange_adds_up_or_is_joined(new, triples, name):
    """As torchmetrics does it between real processes: every state is gathered from all, and reduced."""
    one, *ranks = (new(name) for _ in range(3))
    one.update(*triples)
    for rank, share in zip(ranks, (slice(2), slice(2, 6)), strict=True):
        rank.update(*(images[share] for images in triples))
    gathered = iter([[_joined(getattr(rank, state)) for rank in ranks] for state in one.metric_state])

    ranks[0]._sync_dist(dist_sync_fn=lambda *_, **__: next(gathered))

    assert_close(ranks[0].compute()[name], one.compute()[name], rtol=1e-5, atol=1e-9)


def _joined(state):
    return torch.cat(state) if isinstance(state, list) else state


def test_a_runs_precision_changes_no_score(new, triples, name):
    expected, found = new(name), new(name)
    expected.update(*triples)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found.update(*triples)
    assert found.compute() == expected.compute()


def test_reset_forgets_everything(new, triples, name):
    measure = new(name)
    measure.update(*reversed(triples))
    measure.reset()
    measure.update(*triples)
    fresh = new(name)
    fresh.update(*triples)
    assert measure.compute() == fresh.compute()


def test_checkpoints_of_a_task_that_holds_a_score_have_no_networks(new, name):
    assert not new(name).state_dict()
    assert not list(new(name).parameters())


def test_the_protocol_is_made_of_plain_values(new, name):
    protocol = new(name).protocol()
    assert protocol
    for key, value in protocol.items():
        assert isinstance(value, str | int | list), key
        if key.endswith("sha256"):
            assert len(value) == 64


def test_pictures_that_are_not_uint8_or_of_one_size_are_refused(new, triples, name):
    measure = new(name)
    content, style, stylised = triples
    with pytest.raises(ValueError, match=r"content must be uint8 of shape .* got torch\.float32 \(6, 3, 64, 64\)"):
        measure.update(content.float(), style, stylised)
    with pytest.raises(ValueError, match=r"style must be .* got torch\.uint8 \(6, 3, 64, 60\) beside \(6, 3, 64, 64\)"):
        measure.update(content, style[..., :60], stylised)
