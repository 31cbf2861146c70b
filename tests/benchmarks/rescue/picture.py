"""One picture of the launches: regret at the end over how many times too hot it began."""

from collections.abc import Sequence
from pathlib import Path

from tests.benchmarks.rescue.bench import HEALTHY
from tests.benchmarks.rescue.remedies import BACK_OFF, NOTHING
from tests.benchmarks.rescue.tables import Launched

LOWEST, HIGHEST = 1e-3, 3.0


def draw(launched: Sequence[Launched], path: Path) -> None:
    """Write the picture; values outside of the frame lie on its edge."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(7, 4))
    styles = {NOTHING: ("tab:red", "x", 0.92), BACK_OFF: ("tab:blue", "o", 1.08)}
    for remedy, (colour, marker, shift) in styles.items():
        hot = [r for side, r in launched if side == "hot" and r.remedy == BACK_OFF]
        x = [float(r.what[1:]) * shift for r in hot]
        regrets = [r.regret if remedy == BACK_OFF else r.alone.regret(r.best) for r in hot]
        y = [min(max(regret, LOWEST), HIGHEST) for regret in regrets]
        n = sum(regret <= HEALTHY for regret in regrets)
        label = f"{remedy}: {n} of {len(hot)}"
        axes.scatter(x, y, s=14, c=colour, marker=marker, alpha=0.5, linewidths=1, label=label)
    axes.axhline(HEALTHY, color="grey", linewidth=1, linestyle="--")
    axes.set(xscale="log", yscale="log", ylim=(0.8 * LOWEST, 1.25 * HIGHEST))
    axes.set_xlabel("rate at launch, in units of the best one")
    axes.set_ylabel("regret at the end")
    title = f"ended below {HEALTHY}"
    axes.legend(loc="lower left", bbox_to_anchor=(0.0, 1.0), ncols=2, title=title)
    figure.tight_layout()
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=150)
    pyplot.close(figure)
