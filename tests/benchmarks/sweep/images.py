"""Images drawn by formula: a dot-matrix font, shifted, sized, dimmed and noisy."""

import torch
from torch import Tensor

SIZE = 12
DOTS = (
    "01110 10001 10001 10001 10001 10001 01110",
    "00100 01100 00100 00100 00100 00100 01110",
    "01110 10001 00001 00110 01000 10000 11111",
    "11110 00001 00001 01110 00001 00001 11110",
    "00010 00110 01010 10010 11111 00010 00010",
    "11111 10000 11110 00001 00001 10001 01110",
    "00110 01000 10000 11110 10001 10001 01110",
    "11111 00001 00010 00100 01000 01000 01000",
    "01110 10001 10001 01110 10001 10001 01110",
    "01110 10001 10001 01111 00001 00010 01100",
)


def glyphs(n_samples: int, seed: int, noise: float = 0.25) -> tuple[Tensor, Tensor]:
    """Digits of a 5 x 7 font, as images [n, 1, 12, 12] around zero, and their labels [n]."""
    generator = torch.Generator().manual_seed(seed)
    font = torch.tensor([[[float(dot) for dot in row] for row in d.split()] for d in DOTS])
    labels = torch.randint(10, (n_samples,), generator=generator)
    shifts = torch.randint(0, 6, (n_samples, 2), generator=generator)
    shifts[:, 1] += 1
    images = torch.zeros(n_samples, SIZE, SIZE)
    for image, label, (top, left) in zip(images, labels, shifts.tolist(), strict=True):
        image[top : top + 7, left : left + 5] = font[label]
    images *= 0.5 + torch.rand(n_samples, 1, 1, generator=generator)
    images += noise * torch.randn(images.shape, generator=generator)
    return (images - 0.15).unsqueeze(1), labels


def shapes(n_samples: int, seed: int, noise: float = 0.2) -> tuple[Tensor, Tensor]:
    """Discs, rings, squares and crosses of random place and size, [n, 1, 12, 12], and labels."""
    generator = torch.Generator().manual_seed(seed)
    labels = torch.randint(4, (n_samples,), generator=generator)
    centre = 4 + 3 * torch.rand(n_samples, 2, 1, 1, generator=generator)
    radius = 2 + 2 * torch.rand(n_samples, 1, 1, generator=generator)
    rows, columns = torch.meshgrid(torch.arange(SIZE), torch.arange(SIZE), indexing="ij")
    dy, dx = (rows - centre[:, 0]).abs(), (columns - centre[:, 1]).abs()
    distance = (dx**2 + dy**2).sqrt()
    inside = torch.maximum(dx, dy) < radius
    drawn = torch.stack(
        [
            distance < radius,
            (distance - radius).abs() < 0.8,
            inside,
            inside & (torch.minimum(dx, dy) < 0.8),
        ]
    )
    images = drawn[labels, torch.arange(n_samples)].float()
    images += noise * torch.randn(images.shape, generator=generator)
    return (images - 0.25).unsqueeze(1), labels
