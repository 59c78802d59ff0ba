import pytest
import torch

from atelier.augment.ada import Ada, StochasticAugment


def observe(ada, logits, batches):
    for _ in range(batches):
        ada.observe(logits)
    return ada.probability.item()


def signs(mean, count=100):
    """Logits of which the mean sign is `mean`."""
    positive = round(count * (1 + mean) / 2)
    return torch.cat([torch.full((positive,), 3.0), torch.full((count - positive,), -0.1)])


def test_probability_zero_changes_nothing():
    images = torch.randn(4, 3, 16, 16)
    torch.testing.assert_close(StochasticAugment(0)(images), images, rtol=0, atol=0)
    torch.testing.assert_close(Ada()(images), images, rtol=0, atol=0)


@pytest.mark.parametrize("probability", [0.05, 0.2])
def test_images_stay_what_they_are_with_the_probability_that_nothing_happens(probability):
    """Half of the flips, a quarter of the turns and, at 8 pixels, a quarter of the shifts by whole pixels are none."""
    torch.manual_seed(0)
    images = torch.randn(4000, 3, 8, 8)
    same = (StochasticAugment(probability)(images) - images).abs().amax((1, 2, 3)) < 1e-4
    unmoved = (1 - probability / 2) * (1 - probability * 3 / 4) ** 2 * (1 - probability) ** 4
    uncoloured = (1 - probability) ** 4 * (1 - probability / 2)
    expected = unmoved * uncoloured
    assert same.float().mean().item() == pytest.approx(expected, abs=0.03)


def test_each_image_is_changed_in_its_own_way():
    torch.manual_seed(0)
    changed = StochasticAugment(1)(torch.rand(1, 3, 16, 16).expand(8, -1, -1, -1))
    apart = (changed[:, None] - changed).abs().amax((2, 3, 4))
    assert (apart + torch.eye(8)).min() > 0.05


def test_the_seed_decides():
    images, outputs = torch.randn(4, 3, 16, 16), []
    for _ in range(2):
        torch.manual_seed(5)
        outputs.append(StochasticAugment(0.8)(images))
    torch.testing.assert_close(*outputs, rtol=0, atol=0)
    assert not torch.equal(StochasticAugment(0.8)(images), outputs[0])


def test_it_can_be_differentiated_twice():
    images = torch.randn(2, 3, 4, 4, dtype=torch.float64, requires_grad=True)

    def changed(images):
        torch.manual_seed(1)
        return StochasticAugment(0.9)(images).square()

    assert torch.autograd.gradgradcheck(changed, images)


def test_half_precision_is_raised():
    with torch.autocast("cpu", dtype=torch.bfloat16):
        torch.manual_seed(0)
        half = StochasticAugment(0.9)(torch.ones(2, 3, 16, 16, dtype=torch.bfloat16))
    torch.manual_seed(0)
    assert half.dtype == torch.float32
    torch.testing.assert_close(half, StochasticAugment(0.9)(torch.ones(2, 3, 16, 16)))


def test_overfitting_raises_the_probability_from_nothing_to_one_in_as_many_images_as_asked():
    assert observe(Ada(ramp_images=4000), torch.ones(100), 36) == pytest.approx(0.9)
    assert observe(Ada(ramp_images=4000), torch.ones(100), 40) == pytest.approx(1)
    assert observe(Ada(), torch.ones(50), 4) == pytest.approx(200 / 500_000)


def test_the_probability_stays_between_nothing_and_one():
    ada = Ada(ramp_images=400)
    assert observe(ada, torch.ones(100), 40) == 1
    assert observe(ada, -torch.ones(100), 4) == 0
    assert observe(ada, -torch.ones(100), 40) == 0


@pytest.mark.parametrize(("mean", "direction"), [(1, 1), (0.7, 1), (0.5, -1), (0, -1), (-1, -1)])
def test_the_target_divides_rising_from_falling(mean, direction):
    ada = Ada(ramp_images=4000)
    ada.probability.fill_(0.5)
    assert observe(ada, signs(mean), 4) == pytest.approx(0.5 + direction * 0.1)


def test_only_the_mean_over_all_batches_since_the_last_step_counts():
    ada = Ada(ramp_images=4000)
    assert observe(ada, torch.ones(100), 3) == 0
    assert observe(ada, -torch.ones(100), 1) == 0  # mean sign 0.5
    assert observe(ada, torch.ones(100), 4) == pytest.approx(0.1)  # which is forgotten


def test_an_image_judged_in_parts_counts_once():
    ada = Ada(ramp_images=4000)
    assert observe(ada, signs(0.9).reshape(25, 4), 4) == pytest.approx(25 * 4 / 4000)
    assert observe(ada, signs(0.5).reshape(25, 2, 2), 4) == pytest.approx(0)  # 4 x 0.5 would be above the target


def test_a_state_goes_on_exactly():
    torch.manual_seed(0)
    logits = [torch.randn(10) + shift for shift in (3, 0, 3, 3, 3, 3, 0.4, 3, 0, 3, 3, 3, 3)]
    straight, first, second = (Ada(ramp_images=100) for _ in range(3))
    for batch in logits:
        straight.observe(batch)
    for batch in logits[:6]:  # in the middle of four batches
        first.observe(batch)
    second.load_state_dict(first.state_dict())
    for batch in logits[6:]:
        second.observe(batch)
    assert straight.probability > 0
    torch.testing.assert_close(dict(second.state_dict()), dict(straight.state_dict()), rtol=0, atol=0)


def test_a_reading_stays_what_it_was():
    ada = Ada(ramp_images=400)
    reading = ada.readings()["probability"]
    observe(ada, torch.ones(100), 4)
    assert reading == 0
    assert ada.readings()["probability"] == 1


def test_all_processes_count(monkeypatch):
    """As if another process saw as many images, all taken for generated ones: the mean sign is 0."""

    def all_reduce(sums):
        sums += torch.tensor([-100.0, 100.0])

    monkeypatch.setattr(torch.distributed, "is_initialized", lambda: True)
    monkeypatch.setattr(torch.distributed, "get_world_size", lambda: 2)
    monkeypatch.setattr(torch.distributed, "all_reduce", all_reduce)
    ada = Ada(ramp_images=4000)
    ada.probability.fill_(0.5)
    assert observe(ada, torch.ones(100), 4) == pytest.approx(0.5 - 4 * 200 / 4000)


def test_only_a_probability_that_adapts_is_in_checkpoints():
    """One that is fixed is the config's: a run that goes on may be given another."""
    assert "probability" not in StochasticAugment(0.2).state_dict()
    assert "probability" in Ada().state_dict()


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: StochasticAugment(1.5), "probability must be between 0 and 1, got 1.5"),
        (lambda: Ada(target=1), "target must be between 0 and 1, got 1"),
        (lambda: Ada(ramp_images=0), "ramp_images must be >= 1, got 0"),
        (lambda: Ada(every=0), "every must be >= 1, got 0"),
    ],
)
def test_bad_values_are_refused(make, text):
    with pytest.raises(ValueError, match=text):
        make()
