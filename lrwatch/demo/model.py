"""A character transformer, small enough to train in seconds on a laptop."""

import torch
from torch import Tensor, nn
from torch.nn import functional


class Block(nn.Module):
    """One layer: causal self-attention, then a feed-forward net, each added to its input."""

    def __init__(self, width: int, n_heads: int) -> None:
        super().__init__()
        self.n_heads = n_heads
        self.norm = nn.LayerNorm(width)
        self.to_qkv = nn.Linear(width, 3 * width)
        self.from_heads = nn.Linear(width, width)
        self.feed_forward = nn.Sequential(
            nn.LayerNorm(width), nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width)
        )

    def forward(self, x: Tensor) -> Tensor:
        """From (batch, time, width) to the same shape."""
        heads = self.to_qkv(self.norm(x)).unflatten(-1, (3, self.n_heads, -1))
        query, key, value = heads.permute(2, 0, 3, 1, 4)
        seen = functional.scaled_dot_product_attention(query, key, value, is_causal=True)
        x = x + self.from_heads(seen.transpose(1, 2).flatten(-2))
        x = x + self.feed_forward(x)
        return x


class CharTransformer(nn.Module):
    """Predicts the next character from up to ``context`` characters before it."""

    def __init__(
        self, n_chars: int, *, context: int, width: int = 96, n_layers: int = 2, n_heads: int = 4
    ) -> None:
        super().__init__()
        self.embedding = nn.Embedding(n_chars, width)
        self.position = nn.Parameter(0.02 * torch.randn(context, width))
        self.blocks = nn.Sequential(*(Block(width, n_heads) for _ in range(n_layers)))
        self.head = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, n_chars))

    def forward(self, chars: Tensor) -> Tensor:
        """From (batch, time) indices to (batch, time, n_chars) scores."""
        x = self.embedding(chars) + self.position[: chars.shape[1]]
        scores: Tensor = self.head(self.blocks(x))
        return scores
