"""Tasks whose loss is not a comparison with a label: denoising, a VAE, contrast, a GAN."""

import torch
from torch import Tensor, nn

from tests.benchmarks.sweep.models import dense
from tests.benchmarks.sweep.points import moons
from tests.benchmarks.sweep.task import Batches, finite_or_inf

N_EVALUATED = 512


class Generative:
    """A task over samples ``x`` with a generator of its own; the evaluation is always the same."""

    def __init__(self, model: nn.Module, x: Tensor, *, batch_size: int, seed: int) -> None:
        self.model, self.x, self.seed = model, x, seed
        self.batches = Batches(len(x), batch_size, seed)
        self.generator = torch.Generator().manual_seed(seed + 1)

    def objective(self, x: Tensor, generator: torch.Generator) -> Tensor:
        """Loss of these samples with noise from this generator."""
        raise NotImplementedError

    def loss(self) -> Tensor:
        """Loss of the next batch, ready for backward()."""
        return self.objective(self.x[next(self.batches)], self.generator)

    def evaluate(self) -> float:
        """Mean loss over samples and noise that are always the same."""
        generator = torch.Generator().manual_seed(self.seed + 2)
        with torch.no_grad():
            found = self.objective(self.x[:N_EVALUATED], generator)
        return finite_or_inf(float(found))


class Denoising(Generative):
    """Bring noisy images back to what they were."""

    def objective(self, x: Tensor, generator: torch.Generator) -> Tensor:
        noisy = x + 0.3 * torch.randn(x.shape, generator=generator)
        return nn.functional.mse_loss(self.model(noisy), x.flatten(1))


class Variational(Generative):
    """A variational autoencoder: squared error plus the divergence from the prior."""

    def objective(self, x: Tensor, generator: torch.Generator) -> Tensor:
        encoder, decoder = self.model.get_submodule("0"), self.model.get_submodule("1")
        mean, log_var = encoder(x).chunk(2, 1)
        noise = torch.randn(mean.shape, generator=generator)
        seen = decoder(mean + noise * (log_var / 2).exp())
        error = ((seen - x.flatten(1)) ** 2).sum(1) / 0.2
        divergence = (mean**2 + log_var.exp() - log_var - 1).sum(1) / 2
        found: Tensor = (error + divergence).mean()
        return found


class Contrastive(Generative):
    """Tell the two noisy views of an image from those of the other images (InfoNCE)."""

    def objective(self, x: Tensor, generator: torch.Generator) -> Tensor:
        views = []
        for _ in range(2):
            keep = torch.rand(x.shape, generator=generator) < 0.8
            noisy = x * keep + 0.2 * torch.randn(x.shape, generator=generator)
            views.append(nn.functional.normalize(self.model(noisy), dim=1))
        # 32 at a time, so that the evaluation has as many negatives as a batch
        losses = [
            nn.functional.cross_entropy(a @ b.T / 0.2, torch.arange(len(a)))
            for a, b in zip(torch.split(views[0], 32), torch.split(views[1], 32), strict=True)
        ]
        return torch.stack(losses).mean()


class Adversarial:
    """A GAN on the points of two moons, with one loss for discriminator and generator.

    The generator's gradient is the reversed one of the discriminator, so one optimizer trains
    both. The loss does not say how good the samples are; the evaluation does, by the energy
    distance of samples and data.
    """

    def __init__(self, *, batch_size: int, seed: int) -> None:
        self.x, _ = moons(1024, seed)
        self.model = nn.ModuleList([dense(4, 32, 32, 2), dense(2, 32, 32, 1)])
        self.batches = Batches(len(self.x), batch_size, seed)
        self.generator = torch.Generator().manual_seed(seed + 1)

    def loss(self) -> Tensor:
        """Discriminator's loss with the generator's gradient turned round."""
        make, judge = self.model
        real = self.x[next(self.batches)]
        made = make(torch.randn(len(real), 4, generator=self.generator))
        made.register_hook(torch.neg)
        soft = nn.functional.softplus
        both: Tensor = soft(-judge(real)).mean() + soft(judge(made)).mean()
        return both

    def evaluate(self) -> float:
        """Energy distance of 512 samples to 512 points of the data."""
        noise = torch.randn(512, 4, generator=torch.Generator().manual_seed(7))
        with torch.no_grad():
            made, real = self.model[0](noise), self.x[:512]
            if not bool(torch.isfinite(made).all()):
                return float("inf")
            across = torch.cdist(made, real).mean()
            within = torch.cdist(made, made).mean() + torch.cdist(real, real).mean()
        return finite_or_inf(float(2 * across - within))
