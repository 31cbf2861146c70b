"""Rows 25 to 36: what lies in files and words, and where they lead."""

from functools import partial

from tests.benchmarks.proof import damage, hostile, webhooks, words
from tests.benchmarks.proof.row import Row

_SINKS, _LOOP, _READERS = "tests/sinks/test_", "tests/loop/test_", "tests/readers/test_"

ROWS = (
    Row(
        25,
        "files cut at any byte",
        (partial(damage.cut, 90),),
        (partial(damage.cut, 4),),
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
        (partial(damage.flipped, 90),),
        (partial(damage.flipped, 4),),
        nodes=(
            f"{_READERS}events.py::test_any_flipped",
            f"{_READERS}formats.py::test_no_flipped",
            f"{_SINKS}ledger_line.py::test_a_flipped",
        ),
    ),
    Row(
        27,
        "zeros, BOM, CRLF, NUL",
        (damage.odd,),
        (damage.odd,),
        nodes=(
            f"{_READERS}events.py::test_zeros",
            f"{_READERS}formats.py::test_marks",
            f"{_SINKS}ledger_line.py::test_what_editors",
        ),
    ),
    Row(
        28,
        "files cut, replaced, rotated while followed",
        (partial(damage.followed, 100_000),),
        (partial(damage.followed, 300),),
        nodes=(f"{_SINKS}follow.py",),
    ),
    Row(
        29,
        "records that claim a tebibyte, endless lines, deep JSON",
        (partial(hostile.claims, 1.0),),
        (),
        nodes=(
            f"{_READERS}events.py::test_a_record_that_claims",
            f"{_READERS}events.py::test_a_record_over_the_cap",
            f"{_READERS}reading.py::test_a_line_without_end",
            f"{_READERS}reading.py::test_too_many_tags",
            f"{_SINKS}ledger_line.py::test_junk",
        ),
    ),
    Row(
        30,
        "archives",
        (hostile.archives,),
        (hostile.archives,),
        nodes=("tests/proof/test_hostile_files.py::test_an_archive",),
    ),
    Row(
        31,
        "names and links that lead elsewhere",
        (hostile.names,),
        (hostile.names,),
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
        (partial(words.terminal, 2000),),
        (),
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
        (partial(words.markup, 2000),),
        (),
        nodes=(
            f"{_SINKS}digest.py::test_hostile",
            "tests/cli/test_review_commands.py::test_check_speaks",
            "tests/cli/test_review_commands.py::test_check_adds",
            "tests/notify/test_webhook.py::test_nobody",
            "tests/plugin/test_page_runs.py::test_markup",
            "tests/plugin/test_server.py::test_names",
            "tests/plugin/test_shipped.py::test_the_page_makes",
        ),
    ),
    Row(
        34,
        "secrets of a webhook",
        (webhooks.secrets,),
        (),
        nodes=(
            "tests/notify/test_webhook.py::test_no_failure",
            "tests/notify/test_webhook.py::test_an_address",
            "tests/notify/test_command.py::test_a_command_reads",
        ),
    ),
    Row(
        35,
        "a webhook that is slow, fails, leads elsewhere",
        (webhooks.servers,),
        (),
        nodes=("tests/notify/test_webhook.py",),
    ),
    Row(
        36,
        "configuration that runs code",
        (hostile.banned,),
        (hostile.banned,),
        nodes=("tests/proof/test_forbidden.py",),
    ),
)
