"""What differs between two declarations of a study, in words."""

from benchmark.declaration import Declaration
from benchmark.plain_text import plain
from benchmark.spec import Workload
from optimizers.spaces import Choice, Range, as_text
from optimizers.tunable import Tunable

_NOT_COMPARED = ("at", "suite", "margins", "margin_bases", "chosen", "deviations")
_ADDED = ("problem", "optimizer", "accelerator", "precision", "source", "budget")
_OPEN = ("problems", "optimizers", "sources", "accelerators", "precisions")


def changes_between(before: Declaration, now: Declaration) -> list[str]:
    """Return the differences as "NAME: OLD, now NEW", and new parts as "added: …"."""
    flat = [_leaves(each) for each in (before, now)]
    old, new = flat
    found = [
        plain(f"{name}: {old[name]}, now {new.get(name, 'none')}", 300)
        for name in old
        if new.get(name) != old[name]
    ]
    for name, value in new.items():
        if name not in old:
            kind = name.split(" ")[0]
            found.append(plain(f"added: {name}" if kind in _ADDED else f"{name}: {value}", 300))
    return list(dict.fromkeys(found))


def _leaves(declaration: Declaration) -> dict[str, str]:
    """Return each part of a declaration in words, by a descriptive name."""
    found: dict[str, str] = {}
    for name in Declaration.__struct_fields__:
        value = getattr(declaration, name)
        if name not in (*_NOT_COMPARED, *_OPEN, "tuning") and value is not None:
            found[name] = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    for problem, workload in declaration.problems.items():
        found[f"problem {problem}"] = _numbers(workload)
    for name, each in declaration.tunables.items():
        found[f"optimizer {name}"] = _space_words(each)
    found |= {f"optimizer {label}": "as given" for label in declaration.optimizers}
    found |= {f"accelerator {each}": "" for each in declaration.accelerators}
    found |= {f"precision {each}": "" for each in declaration.precisions}
    found |= {f"source of {label}": digest for label, digest in declaration.sources.items()}
    if declaration.has_budget_curve:
        found["budget curve"] = "the choices of smaller budgets, evaluated"
    for name, value in (declaration.search or {}).items():
        found[f"tuning {name}"] = (
            ", ".join(map(str, value)) if isinstance(value, list) else str(value)
        )
    return found


def _space_words(tunable: Tunable) -> str:
    """Return what an optimizer tunes and what it keeps fixed: "lr 1e-05..0.1, beta=0.9"."""
    ranges = map(_range_words, tunable.space.ranges)
    return ", ".join([*ranges, *(f"{k}={v}" for k, v in tunable.to_json()["fixed"].items())])


def _range_words(one: Range | Choice) -> str:
    if isinstance(one, Choice):
        return f"{one.name} {'|'.join(str(as_text(value)) for value in one.values)}"
    return f"{one.name} {one.low:g}..{one.high:g}"


def _numbers(workload: Workload) -> str:
    names = ("epochs", "batch_size", "dropout", "l2", "source")
    values = ((name, getattr(workload, name)) for name in names)
    return ", ".join(f"{name}={value}" for name, value in values if value)
