"""Column rules: the ordered table of names that mean a loss, a gradient norm, a rate, a step."""

from dataclasses import dataclass
from typing import Literal, get_args

Quantity = Literal["step", "loss", "grad_norm", "lr"]
QUANTITIES: tuple[Quantity, ...] = get_args(Quantity)


@dataclass(frozen=True, slots=True)
class Rule:
    """One line of the table: names that mean a quantity.

    Attributes:
        quantity: What they mean.
        pattern: Regular expression that the whole name must match, after :func:`plain_name`.
        where: Who writes such names.
        several: What is made of several columns that match: ``"tie"`` is an error, ``"sum"``
            adds them up, ``"first"`` takes the first in order of their names, ``"best"`` the one
            that counts on from loss to loss.
        weak: Whether many numbers under such a name say nothing against fewer under others.
    """

    quantity: Quantity
    pattern: str
    where: str
    several: Literal["tie", "sum", "first", "best"] = "tie"
    weak: bool = False


_PARTS = "box|cls|obj|dfl|seg|sem|pose|kobj|rle|angle|giou|l1|om|dist|iou"

# Ordered: the first rule of a quantity that matches any column decides; of the step, the first
# that matches one which moves.
RULES: tuple[Rule, ...] = (
    Rule("step", r"((train|training|trainer)_)?global_steps?", "HF Trainer, Lightning", "best"),
    Rule("step", r"((train|training|trainer)_)?steps?|current_steps?", "most loggers", "best"),
    Rule(
        "step",
        r"((train|training)_)?(iter|iters|iteration|iterations|it|niter)",
        "Megatron-LM, nanoGPT, Detectron2",
        "best",
    ),
    Rule(
        "step",
        r"(train_)?num_updates|n_updates|updates?|time_total_timesteps|total_timesteps|timesteps?",
        "fairseq, Stable-Baselines3",
        "best",
    ),
    Rule("step", r"batch|batches|batch_idx|batch_num|batches_seen", "loops", "best"),
    Rule(
        "step",
        r"((train|training|current)_)?epochs?|ep",
        "logs with one line an epoch",
        "best",
    ),
    Rule("loss", r"lrwatch_loss", "lrwatch"),
    Rule("loss", r"(train|training)_loss_step|loss_step|step_loss", "Lightning"),
    Rule(
        "loss",
        r"(train|training)_loss|loss_(train|training)|(train|training)_total_loss"
        r"|loss_(train|training)_total|total_loss_train",
        "HF Trainer, Composer, most loops",
    ),
    Rule("loss", r"loss_metrics_global_avg_loss", "torchtitan"),
    Rule("loss", r"lm_loss(_1)?|lm_loss_training", "Megatron-LM"),
    Rule("loss", r"total_loss|loss_total|losses_total(_loss)?", "Detectron2, MMDetection"),
    Rule("loss", r"loss", "Keras, HF Trainer, most loops"),
    Rule(
        "loss",
        r"(train_|training_)?(batch|iter|minibatch|mini_batch|running|avg|mean|average)"
        r"_(train_|training_)?loss|loss_(batch|iter|avg|mean)",
        "loops",
    ),
    Rule("loss", r"(train|training)_loss_epoch|loss_epoch|epoch_(train_)?loss", "Lightning"),
    Rule("loss", rf"(train|training)_({_PARTS})_loss", "Ultralytics, YOLOv5", "sum"),
    Rule("loss", r"train", "llm.c, build-nanogpt", weak=True),
    Rule(
        "loss", r"(train|training)_.*loss|loss_.*(train|training)", "any training loss", weak=True
    ),
    Rule("loss", r".*loss.*", "any loss that is left", weak=True),
    Rule("grad_norm", r"lrwatch_grad_norm", "lrwatch"),
    Rule(
        "grad_norm",
        r"((train|training)_)?(total_|global_)?grad(ient)?_?norm(_total|_global)?",
        "HF Trainer, torchtitan, Megatron-LM",
    ),
    Rule(
        "grad_norm",
        r"l2_norm_grad_global|optim_grad_norm|gnorm|((train|training)_)?gnorm",
        "Composer, fairseq",
    ),
    Rule(
        "grad_norm",
        r"(train_|training_)?(grad_2(_0)?_norm_total|grad_norm_(step|epoch)|norm)",
        "Lightning, llm.c",
    ),
    Rule(
        "grad_norm",
        r"(train|training|optim|opt)_.*grad(ient)?_?norm"
        r"|.*global_grad(ient)?_?norm|grad(ient)?_?norm_(before|pre|raw).*",
        "loops",
    ),
    Rule("lr", r"lrwatch_lr(_0)?", "lrwatch"),
    Rule("lr", r"((train|training|optim|optimizer)_)?(lr|learning_rate)", "most loggers"),
    Rule(
        "lr", r"((lr|learning_rate)_(pg|group|param_group)_?0|x_lr0|lr_?0)", "Ultralytics, YOLOv5"
    ),
    Rule(
        "lr",
        r"lr_[a-z0-9]*(adam|sgd|lion|muon|rmsprop|lamb|lars|adafactor|lbfgs|optim)[a-z0-9]*"
        r"(_(pg|group)_?\d+)?",
        "Lightning, Composer",
        "first",
    ),
    Rule(
        "lr",
        r"(lr|learning_rate)_(max|min|step|epoch|(pg|group)_?\d+|\d+)|(max|min|base)_lr"
        r"|.*_learning_rate|.*_lr(_group_?\d+)?",
        "loops",
        "first",
    ),
)
