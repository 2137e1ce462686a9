"""A researcher's own metrics: what may be declared, and the worked example that must pass before anything is spent.

A metric is a pure function below `lab`. Its arguments are named after what it wants: `probabilities` (N, K), the
`prediction` (the most probable class, the given place among ordered classes, or the values), the raw `target`, and
`entities` or `groups` (N,) as text. Read from source here; imported only by `prove` and where a run is scored.
"""

import ast
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from receipts.config import build, signatures
from receipts.config.schema import OwnMetric
from receipts.refusal import Refusal, nearest

ARRAYS = ("probabilities", "prediction", "target", "entities", "groups")
TEXTS = ("entities", "groups")
TOLERANCE = 1e-6  # between an example's stated value and the returned one, relative and absolute
FAULTS = (  # what a function over arrays can die of; that is its author's to mend, and must not cost a finished run
    *(ArithmeticError, AssertionError, AttributeError, LookupError, NameError, RuntimeError, TypeError, ValueError),
)


def check(metrics: Sequence[OwnMetric], kind: str, known: Sequence[str]) -> None:
    """Refuse, importing nothing, metrics that are not wholly declared; `known` are the harness's own names."""
    for position, metric in enumerate(metrics):
        key = f"metrics[{position}]"
        check_function(f"{key}.function", metric, kind)
        check_values(key, metric)
        if metric.name in known or metric.name in [other.name for other in metrics[:position]]:
            raise Refusal(
                f"{key} is called {metric.name}, and there already is such a metric",
                "two numbers of one name could not be told apart",
                "rename the function; second_of: says whose second implementation it is",
            )
        if metric.second_of is not None and metric.second_of not in known:
            raise Refusal(
                f"{key}.second_of is {metric.second_of!r}, no metric of the harness{nearest(metric.second_of, known)}",
                f"known are {', '.join(known)}",
                f"correct {key}.second_of, or take it out",
            )


def check_function(key: str, metric: OwnMetric, kind: str) -> None:
    """A function below `lab` whose arguments are arrays that there are, and an example that states them all."""
    target = metric.function
    if not target.startswith("lab.") or target.count(".") < 2:
        raise Refusal(
            f"{key} is {target!r}",
            "a metric of one's own is a function in a file of src/lab, where its source is hashed into every score",
            f"{key}: lab.scores.NAME, say; it may call any library from there",
        )
    offered = [name for name in ARRAYS if name != "probabilities" or kind != "regression"]
    arguments = parameters(signatures.function_from_source(key, target))
    if arguments is None or not arguments or not set(arguments) <= set(offered):
        shown = "*arguments" if arguments is None else ", ".join(arguments) or "nothing"
        raise Refusal(
            f"{target} takes {shown}",
            f"for a {kind} task it is given, by name, any of {', '.join(offered)}, and nothing else",
            f"def {metric.name}({offered[0]}, target) -> float: …",
        )
    if set(metric.example) != {*arguments, "value"}:
        raise Refusal(
            f"{key.removesuffix('.function')}.example states {', '.join(metric.example) or 'nothing'}",
            f"a worked example states every argument of {metric.name} and the value it makes of them",
            f"example: {{{', '.join(f'{name}: […]' for name in arguments)}, value: …}}",
        )


def parameters(function: ast.FunctionDef) -> list[str] | None:
    """The names of a function's arguments; None where it takes any number of them."""
    given = function.args
    if given.vararg or given.kwarg or given.posonlyargs:
        return None
    return [argument.arg for argument in [*given.args, *given.kwonlyargs]]


def check_values(key: str, metric: OwnMetric) -> None:
    """Direction, range and the example's value."""
    if metric.better not in ("higher", "lower"):
        raise Refusal(f"{key}.better is {metric.better!r}", "it is higher or lower", f"state {key}.better")
    low, high = metric.range if len(metric.range) == 2 else (math.nan, math.nan)
    if (low is not None and math.isnan(low)) or (low is not None and high is not None and not low < high):
        raise Refusal(
            f"{key}.range is {metric.range}",
            "it is [lowest, highest], and a value outside of it is an error; null where there is no bound",
            f"{key}.range: [0, 1], or [0, null]",
        )
    value = metric.example["value"]
    if isinstance(value, bool) or not isinstance(value, int | float) or fault(metric, float(value)):
        raise Refusal(
            f"{key}.example.value is {value!r}",
            f"it must be a number in {metric.range}: what {metric.name} makes of the example, worked out by hand",
            f"correct {key}.example.value, or {key}.range",
        )


def prove(metrics: Sequence[OwnMetric]) -> None:
    """Run the worked examples, each twice; refuse a metric that returns anything but the value stated."""
    for position, metric in enumerate(metrics):
        given = {name: as_array(name, value) for name, value in metric.example.items() if name != "value"}
        if len({len(array) for array in given.values()}) != 1:
            raise Refusal(
                f"metrics[{position}].example holds arrays of {', '.join(f'{len(a)} {n}' for n, a in given.items())}",
                "every array has one row for each sample",
                f"correct metrics[{position}].example",
            )
        results = [call(metric, given) for _ in range(2)]
        stated, said = float(metric.example["value"]), results[0][1] or repr(results[0][0])
        if results[0] != results[1]:
            said = f"{said} first and then {results[1][1] or repr(results[1][0])}"
        value = results[0][0]
        if (
            results[0] != results[1]
            or value is None
            or not math.isclose(value, stated, rel_tol=TOLERANCE, abs_tol=TOLERANCE)
        ):
            raise Refusal(
                f"the worked example of {metric.function} fails",
                f"metrics[{position}].example says {stated!r}, and it returned {said}",
                f"mend the function, or the example if that was worked out wrongly (within {TOLERANCE:g})",
            )


def as_array(name: str, values: Any) -> Any:
    """An example's list as the array that a score would hand over."""
    import numpy as np

    if name in TEXTS:
        return np.array([str(value) for value in values], dtype=object)
    try:
        found = np.array(values)
    except ValueError as error:
        raise Refusal(f"example.{name} is no array", str(error), "give every row the same length") from error
    if found.dtype.kind not in "iuf" or found.ndim == 0:
        raise Refusal(f"example.{name} is {values!r}", "it is a list of numbers, one row a sample", "correct it")
    return found.astype(np.float64) if found.dtype.kind == "f" or name == "probabilities" else found.astype(np.int64)


def function(metric: OwnMetric) -> Callable[..., Any]:
    """The function itself, imported."""
    found: Callable[..., Any] = build.imported("metrics.function", metric.function)
    return found


def call(metric: OwnMetric, arrays: Mapping[str, Any]) -> tuple[float | None, str | None]:
    """The metric's value, or None and what is wrong with what it did. It gets copies, and may not write to them."""
    import numpy as np

    given = {name: array.copy() for name, array in arrays.items()}
    for array in given.values():
        array.setflags(write=False)
    compute = function(metric)
    try:
        returned = np.asarray(compute(**given))
    except FAULTS as error:
        return None, f"{type(error).__name__}: {error}"
    if returned.ndim or returned.dtype.kind not in "iuf":
        return None, f"{returned.dtype} of shape {returned.shape} and not one number"
    value = float(returned)
    problem = fault(metric, value)
    return (None, problem) if problem else (value, None)


def fault(metric: OwnMetric, value: float) -> str | None:
    """What is wrong with a value: not finite, or outside the declared range."""
    low, high = metric.range
    if not math.isfinite(value):
        return f"{value}, which is no finite number"
    if (low is not None and value < low) or (high is not None and value > high):
        return f"{value!r}, which is outside its range {metric.range}"
    return None
