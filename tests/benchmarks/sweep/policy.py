"""Policy gradient on a contextual bandit: the loss is a surrogate, the reward is what counts."""

import torch
from torch import Tensor

from tests.benchmarks.sweep.models import dense
from tests.benchmarks.sweep.task import Batches, finite_or_inf


class Bandit:
    """REINFORCE with a mean baseline over six arms whose pay depends on the context.

    The training loss is ``-(advantage * log p)``, noise around zero whatever the policy is worth;
    the evaluation is the expected pay that the policy leaves on the table.
    """

    def __init__(self, *, batch_size: int, seed: int) -> None:
        generator = torch.Generator().manual_seed(seed)
        self.x = torch.randn(1024, 8, generator=generator)
        self.pay = torch.tanh(self.x @ torch.randn(8, 6, generator=generator))
        self.model = dense(8, 32, 6)
        self.batches = Batches(len(self.x), batch_size, seed)
        self.generator = torch.Generator().manual_seed(seed + 1)

    def loss(self) -> Tensor:
        """Surrogate loss of the next batch, ready for backward()."""
        batch = next(self.batches)
        scores = self.model(self.x[batch])
        # the trick of Gumbel draws from any scores, non-finite ones included
        noise = -torch.empty(scores.shape).exponential_(generator=self.generator).log()
        chosen = (scores.detach() + noise).argmax(1, keepdim=True)
        pay = self.pay[batch].gather(1, chosen)
        pay = pay + 0.3 * torch.randn(pay.shape, generator=self.generator)
        log_p = scores.log_softmax(1).gather(1, chosen)
        found: Tensor = -((pay - pay.mean()) * log_p).mean()
        return found

    def evaluate(self) -> float:
        """Mean regret of the policy against the best arm."""
        with torch.no_grad():
            expected = (self.model(self.x).softmax(1) * self.pay).sum(1)
        return finite_or_inf(float((self.pay.amax(1) - expected).mean()))
