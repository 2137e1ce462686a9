"""Attributes and hooks that miss a real name by a letter or two: Python and torch take them without a word.

Only what nobody reads or calls counts: a name of the researcher's own that resembles another is read somewhere.
"""

import ast
from collections.abc import Iterator

from receipts.config.compose import Experiment
from receipts.guards.static.arguments import loaded
from receipts.guards.static.source import FUNCTIONS, Source, dotted, vocabulary

ATTRIBUTES = vocabulary(
    "requires_grad grad data training weight bias momentum eps affine track_running_stats running_mean "
    "running_var num_batches_tracked inplace padding_idx automatic_optimization strict_loading "
    "example_input_array gradient_checkpointing"
)
PROTOCOL = vocabulary(
    "ids targets files inputs kind source licence version generator entities groups times slices official "
    "features access"
)
HOOKS = vocabulary(
    "forward training_step validation_step predict_step test_step configure_optimizers "
    "configure_callbacks configure_model configure_gradient_clipping optimizer_step optimizer_zero_grad "
    "lr_scheduler_step backward manual_backward prepare_data setup teardown train_dataloader "
    "val_dataloader test_dataloader predict_dataloader transfer_batch_to_device on_before_batch_transfer "
    "on_after_batch_transfer on_fit_start on_fit_end on_train_start on_train_end on_train_epoch_start "
    "on_train_epoch_end on_train_batch_start on_train_batch_end on_validation_start on_validation_end "
    "on_validation_epoch_start on_validation_epoch_end on_validation_batch_start on_validation_batch_end "
    "on_validation_model_eval on_validation_model_train on_predict_start on_predict_end "
    "on_predict_epoch_start on_predict_epoch_end on_predict_batch_start on_predict_batch_end "
    "on_predict_model_eval on_before_backward on_after_backward on_before_optimizer_step "
    "on_before_zero_grad on_save_checkpoint on_load_checkpoint on_exception state_dict load_state_dict "
    "on_sanity_check_start on_sanity_check_end collate"
)
LONG = 8  # letters from which on two may be wrong


def misspelt(sources: list[Source], experiment: Experiment) -> Iterator[str]:
    """Stored attributes and methods that nobody reads and that are almost one that somebody would."""
    reads = {name for source in sources for name in loaded(source.tree)}
    dataset = str(experiment.values["data"]["_target_"]).rpartition(".")[2]
    for source in sources:
        for node in ast.walk(source.tree):
            if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
                owner = owner_of(source, node) if dotted(node.value) == "self" else None
                known = ATTRIBUTES if owner is None else known_to(owner, dataset)
                yield from near(source, node, node.attr, known, reads, ast.unparse(node))
            elif isinstance(node, FUNCTIONS) and isinstance(source.parents.get(node), ast.ClassDef):
                yield from near(source, node, node.name, HOOKS, reads, f"def {node.name}")


def owner_of(source: Source, node: ast.AST) -> ast.ClassDef | None:
    """The class that a node stands in."""
    return next((each for each in source.above(node) if isinstance(each, ast.ClassDef)), None)


def known_to(owner: ast.ClassDef, dataset: str) -> frozenset[str]:
    """The attributes that somebody else reads off objects of a class, without those that it sets rightly."""
    if owner.name == dataset:
        stored = {each.attr for each in ast.walk(owner) if isinstance(each, ast.Attribute)}
        stored |= {each.id for each in ast.walk(owner) if isinstance(each, ast.Name)}
        return PROTOCOL - stored
    return ATTRIBUTES


def near(source: Source, node: ast.AST, name: str, known: frozenset[str], reads: set[str], shown: str) -> Iterator[str]:
    """One sentence where a name that nobody reads is almost a known one."""
    if name in known or name in reads or name.startswith("_") or name in HOOKS | ATTRIBUTES | PROTOCOL:
        return
    for real in sorted(known):
        if apart(name, real) <= (2 if min(len(name), len(real)) >= LONG else 1) and len(real) > 3:
            yield f"{source.at(node)}: {shown} is read by nobody; {real} would be"
            return


def apart(one: str, other: str) -> int:
    """How many letters must be put in, taken out, exchanged or swapped with the next (Damerau-Levenshtein)."""
    if abs(len(one) - len(other)) > 2:
        return 3
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, a in enumerate(one, 1):
        earlier, before, row = before, row, [i]
        for j, b in enumerate(other, 1):
            cost = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (a != b))
            if i > 1 and j > 1 and (a, one[i - 2]) == (other[j - 2], b):
                cost = min(cost, earlier[j - 2] + 1)
            row.append(cost)
    return row[-1]
