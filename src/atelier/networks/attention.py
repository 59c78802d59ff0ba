"""Self-attention over the places of a feature map (Zhang et al. 2019, section 3)."""

import torch
from torch import Tensor, nn
from torch.nn.functional import max_pool2d


class SelfAttention(nn.Module):
    """Features (B, C, H, W), H and W even, plus what each place gathers from all others; at first, nothing.

    Zhang et al. reduce queries, keys and values to C / 8 channels each. Here, as in the code they released, values keep
    C / 2 of them, and keys and values are pooled to a quarter of the places.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        narrow, half = max(channels // 8, 1), max(channels // 2, 1)
        self.query = nn.Conv2d(channels, narrow, 1, bias=False)
        self.key = nn.Conv2d(channels, narrow, 1, bias=False)
        self.value = nn.Conv2d(channels, half, 1, bias=False)
        self.output = nn.Conv2d(half, channels, 1, bias=False)
        self.gamma = nn.Parameter(torch.zeros(()))

    def forward(self, features: Tensor) -> Tensor:
        # Written out: the fused attention of torch cannot be differentiated twice, as gradient penalties do.
        queries = self.query(features).flatten(2)
        keys, values = (max_pool2d(layer(features), 2).flatten(2) for layer in (self.key, self.value))
        attention = (queries.mT @ keys).softmax(-1)  # eq. 1: how much place j heeds place i
        gathered = (values @ attention.mT).unflatten(2, features.shape[2:])  # eq. 2
        return features + self.gamma * self.output(gathered)  # eq. 3
