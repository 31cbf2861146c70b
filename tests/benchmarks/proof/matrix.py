"""The matrix: every fault, what is measured at full size, and at the size of the test suite."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from tests.benchmarks.proof import (
    attaching,
    disks,
    ends,
    injection,
    interrupts,
    lifetimes,
    resuming,
    sameness,
    shutdown,
)
from tests.benchmarks.proof.figure import Figure
from tests.benchmarks.proof.named_tests import expanded, ran

Measure = Callable[[], Figure]


@dataclass(frozen=True, slots=True)
class Row:
    """One fault.

    Attributes:
        number: Its number in the matrix.
        fault: What happens.
        measures: What is measured at full size.
        in_suite: The same, small; empty where the tests that ``nodes`` name will do.
        nodes: Tests of the suite that hold the row.
        left_out: What of the row is not tried, and why.
    """

    number: int
    fault: str
    measures: tuple[Measure, ...] = ()
    in_suite: tuple[Measure, ...] = ()
    nodes: tuple[str, ...] = ()
    left_out: str = ""

    def figures(self) -> list[Figure]:
        """Measure all of it."""
        return [measure() for measure in self.measures] + self.tests()

    def tests(self) -> list[Figure]:
        """Run its tests."""
        return [ran(*self.nodes)()] if self.nodes else []

    def test_names(self) -> list[str]:
        """The full names of its tests."""
        return expanded(self.nodes)


_SINKS, _LOOP, _READERS = "tests/sinks/test_", "tests/loop/test_", "tests/readers/test_"

ROWS = (
    Row(
        1,
        "SIGKILL at any moment",
        (partial(ends.kills, 500),),
        (partial(ends.kills, 3),),
        (f"{_SINKS}run_directory.py::test_after_kills",),
    ),
    Row(2, "SIGTERM", (partial(ends.requests, 20),), (partial(ends.requests, 2),)),
    Row(
        3,
        "KeyboardInterrupt at any line",
        (partial(interrupts.interrupts, 0.04),),
        (partial(interrupts.interrupts, 0.0005),),
        left_out="finalizers: Python prints an interrupt there and goes on",
    ),
    Row(4, "os._exit, segfault", (partial(ends.crashes, 40),), (partial(ends.crashes, 2),)),
    Row(
        5,
        "an exception in every function",
        (partial(injection.errors, 1.0),),
        (partial(injection.errors, 0.005),),
        (f"{_LOOP}bad_input.py",),
        left_out="the outermost frame of each hook, which torch or the user calls",
    ),
    Row(6, "warnings as errors, logging that raises", (shutdown.warned,), (shutdown.warned,)),
    Row(7, "disk full", (partial(disks.full, 64, 40),), (partial(disks.full, 1, 1),)),
    Row(8, "no right to write; directory removed", (disks.missing,), (disks.missing,)),
    Row(9, "a disk that hangs", (disks.hanging,), (disks.hanging,)),
    Row(
        10,
        "failing writes",
        (partial(disks.failing, 12),),
        (partial(disks.failing, 1, ("EIO", "short")),),
    ),
    Row(11, "two processes, one directory", (disks.two_writers,), (disks.two_writers,)),
    Row(
        12,
        "fork, DataLoader workers",
        (lifetimes.workers,),
        (partial(lifetimes.workers, ("fork",)),),
        (f"{_LOOP}lifetime.py::test_a_forked_child",),
    ),
    Row(13, "deepcopy, pickle, torch.save", (lifetimes.copies,), (lifetimes.copies,)),
    Row(
        14,
        "attach and close, again and again",
        (partial(attaching.attachments, 10_000),),
        (partial(attaching.attachments, 100),),
        (f"{_LOOP}lifetime.py",),
    ),
    Row(
        15,
        "losses that keep their graph",
        (partial(lifetimes.graphs, 100_000),),
        (partial(lifetimes.graphs, 300),),
    ),
    Row(
        16,
        "NaN, infinities, extremes",
        nodes=("tests/test_watcher.py", "tests/detectors/test_laws.py"),
    ),
    Row(
        17,
        "losses of every type",
        nodes=(f"{_LOOP}bad_input.py::test_every_kind", f"{_LOOP}bad_input.py::test_anything_else"),
    ),
    Row(18, "gradients of every kind", nodes=(f"{_LOOP}step_norm.py",)),
    Row(19, "mixed precision", nodes=(f"{_LOOP}amp.py",)),
    Row(
        20,
        "groups, rates, closures",
        nodes=(
            f"{_LOOP}bad_input.py::test_every_group",
            f"{_LOOP}bad_input.py::test_rates",
            f"{_LOOP}step_loss.py",
        ),
    ),
    Row(21, "schedulers under a back-off", nodes=("tests/control/test_rate.py",)),
    Row(
        22,
        "accumulation, intervals, units",
        nodes=("tests/detectors/test_laws.py", f"{_LOOP}step_loss.py::test_accumul"),
    ),
    Row(
        23,
        "resume: killed and gone on",
        (partial(resuming.cycles, 20),),
        (),
        ("tests/sinks/test_tensorboard.py::test_resumed", f"{_LOOP}resume.py"),
    ),
    Row(
        24,
        "clocks that jump",
        (partial(sameness.clocks, 20_000),),
        (partial(sameness.clocks, 400),),
        (f"{_SINKS}run_directory.py::test_a_clock",),
    ),
    Row(
        25,
        "files cut at any byte",
        nodes=(
            f"{_READERS}events.py::test_cut",
            f"{_READERS}formats.py::test_cut",
            f"{_SINKS}ledger_line.py::test_a_line_cut",
            f"{_READERS}wandb_offline.py::test_cut",
        ),
    ),
    Row(
        26,
        "flipped bytes",
        nodes=(
            f"{_READERS}events.py::test_any_flipped",
            f"{_READERS}formats.py::test_no_flipped",
            f"{_SINKS}ledger_line.py::test_a_flipped",
        ),
    ),
    Row(
        27,
        "zeros, BOM, CRLF, NUL",
        nodes=(
            f"{_READERS}events.py::test_zeros",
            f"{_READERS}formats.py::test_marks",
            f"{_SINKS}ledger_line.py::test_what_editors",
        ),
    ),
    Row(28, "files cut, replaced, rotated while followed", nodes=(f"{_SINKS}follow.py",)),
    Row(
        29,
        "records that claim a tebibyte, endless lines, deep JSON",
        nodes=(
            f"{_READERS}events.py::test_a_record_that_claims",
            f"{_READERS}events.py::test_a_record_over_the_cap",
            f"{_READERS}reading.py::test_a_line_without_end",
            f"{_READERS}reading.py::test_too_many_tags",
            f"{_SINKS}ledger_line.py::test_junk",
        ),
    ),
    Row(30, "archives", nodes=("tests/proof/test_hostile_files.py::test_an_archive",)),
    Row(
        31,
        "names and links that lead elsewhere",
        nodes=(
            "tests/proof/test_hostile_files.py::test_a_name",
            f"{_READERS}folders.py::test_links",
            f"{_READERS}folders.py::test_hostile",
            f"{_LOOP}run_dir.py::test_a_name",
            f"{_SINKS}ledger.py::test_a_symbolic",
            f"{_SINKS}ledger.py::test_a_pipe",
        ),
    ),
    Row(
        32,
        "escapes to the terminal",
        nodes=(
            f"{_SINKS}printable.py",
            f"{_SINKS}lines.py::test_no_text",
            "tests/cli/test_tail.py::test_nothing_in_a_record",
            "tests/cli/test_group.py::test_escapes",
            "tests/cli/test_review_commands.py::test_hostile",
        ),
    ),
    Row(
        33,
        "markup of Markdown, HTML, Slack, GitHub",
        nodes=(
            f"{_SINKS}digest.py::test_hostile",
            "tests/cli/test_review_commands.py::test_check_speaks",
            "tests/cli/test_review_commands.py::test_check_adds",
            "tests/notify/test_webhook.py::test_nobody",
        ),
    ),
    Row(
        34,
        "secrets of a webhook",
        nodes=(
            "tests/notify/test_webhook.py::test_no_failure",
            "tests/notify/test_webhook.py::test_an_address",
            "tests/notify/test_command.py::test_a_command_reads",
        ),
    ),
    Row(
        35,
        "a webhook that is slow, fails, leads elsewhere",
        nodes=("tests/notify/test_webhook.py",),
    ),
    Row(36, "configuration that runs code", nodes=("tests/proof/test_forbidden.py",)),
    Row(
        37,
        "ranks that disagree",
        nodes=("tests/ranks/test_two_ranks.py", "tests/ranks/test_failing_ranks.py"),
    ),
    Row(
        38,
        "threads",
        (partial(lifetimes.threads, 8, 10_000),),
        (partial(lifetimes.threads, 4, 100),),
        left_out="DataParallel needs several GPUs; its backward() is one call of one thread",
    ),
    Row(
        39,
        "the collector of garbage, at every moment",
        (partial(lifetimes.collected, 500),),
        (partial(lifetimes.collected, 30),),
    ),
    Row(
        40,
        "ends of the interpreter",
        (partial(shutdown.ends, 200),),
        (partial(shutdown.ends, 3),),
    ),
    Row(
        41,
        "torch.compile",
        nodes=(f"{_LOOP}compiled.py",),
        left_out="CUDA graphs: no GPU here; a replay runs no hook, as RateScale says",
    ),
    Row(
        42,
        "the same bits with and without",
        (partial(sameness.identity, 1.0), partial(sameness.generators, 1000)),
        (partial(sameness.identity, 0.02), partial(sameness.generators, 50)),
        (f"{_LOOP}unharmed.py",),
    ),
)
