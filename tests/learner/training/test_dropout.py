from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from biorat_al.learner.encoder.device import Device
from biorat_al.learner.encoder.windows import SomeWindows
from biorat_al.learner.training.dropout import Dropout, MaskDraws, replace_dropout


@pytest.fixture
def draws(cpu: Device) -> MaskDraws:
    draws = MaskDraws(cpu)
    draws.begin(1, 2)
    return draws


@pytest.mark.parametrize("p", [0.1, 0.5])
def test_the_share_that_is_dropped_is_p_and_the_mean_is_kept(draws: MaskDraws, p: float) -> None:
    x = torch.ones(400_000)
    y = Dropout(p, draws)(x)
    dropped = float((y == 0).float().mean())
    assert dropped == pytest.approx(round(p * 256) / 256, abs=0.003)
    assert float(y.mean()) == pytest.approx(1.0, abs=0.01)
    assert len(y.unique()) == 2


def test_the_gradient_has_the_mask_of_the_forward_pass(draws: MaskDraws) -> None:
    x = torch.ones(1000, requires_grad=True)
    y = Dropout(0.5, draws)(x)
    y.sum().backward()
    assert x.grad is not None
    assert torch.equal(x.grad, y.detach())


def test_masks_follow_from_the_numbers_and_differ_between_steps(cpu: Device) -> None:
    def masks(*numbers: int) -> list[bool]:
        draws = MaskDraws(cpu)
        draws.begin(*numbers)
        draw: list[bool] = draws.keep(torch.empty(10, 20), 128).flatten().tolist()
        return draw + draws.keep(torch.empty(7), 128).tolist()

    assert masks(13, 4) == masks(13, 4)
    assert masks(13, 4) != masks(13, 5)
    assert masks(13, 4) != masks(14, 4)


def test_evaluation_drops_nothing_and_no_global_state_is_touched(draws: MaskDraws) -> None:
    torch_state, numpy_state = torch.get_rng_state(), np.random.get_state()[1].tolist()
    layer = Dropout(0.5, draws)
    x = torch.ones(100)
    assert not torch.equal(layer(x), x)
    assert torch.equal(layer.eval()(x), x)
    assert torch.equal(torch_state, torch.get_rng_state())
    assert np.random.get_state()[1].tolist() == numpy_state


def test_every_dropout_that_does_anything_is_replaced(draws: MaskDraws) -> None:
    network = nn.Sequential(nn.Linear(2, 2), nn.Dropout(0.1), nn.Sequential(nn.Dropout(0.2), nn.Dropout(0.0)))
    replace_dropout(network, draws)
    rates = [(type(module), module.p) for module in network.modules() if hasattr(module, "p")]
    assert rates == [(Dropout, 0.1), (Dropout, 0.2), (nn.Dropout, 0.0)]


def test_the_type_of_the_numbers_is_kept(draws: MaskDraws) -> None:
    assert Dropout(0.1, draws)(torch.ones(8, dtype=torch.bfloat16)).dtype is torch.bfloat16


def test_some_windows_have_the_masks_that_they_have_in_the_whole_batch(cpu: Device) -> None:
    batch_shape, chosen = (4, 7), np.array([False, True, False, True])
    part = SomeWindows(torch.tensor([1, 3]), 5, chosen, batch_shape)
    draws = MaskDraws(cpu)
    draws.begin(1, 2)
    whole = [draws.keep(torch.empty(*batch_shape, size), 128) for size in (3, 6)]
    draws.begin(1, 2, part=part)
    some = [draws.keep(torch.empty(2, 5, size), 128) for size in (3, 6)]
    for all_windows, two in zip(whole, some, strict=True):
        assert torch.equal(two, all_windows[[1, 3], :5])
    # what has another shape than windows and their pieces cannot be a part of the batch's
    assert draws.keep(torch.empty(5, 2, 3), 128).shape == (5, 2, 3)
    draws.begin(1, 2)
    assert torch.equal(draws.keep(torch.empty(*batch_shape, 3), 128), whole[0])
