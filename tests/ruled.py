"""What the static rules find in a module and its experiment."""

import ast
from collections.abc import Callable, Iterator
from pathlib import Path
from textwrap import dedent
from typing import Any

from receipts.config.compose import Experiment
from receipts.config.schema import Config
from receipts.guards.static.source import Source

Rule = Callable[[list[Source], Experiment], Iterator[str]]


def experiment(**values: Any) -> Experiment:
    config = Config()
    config.fit.callbacks = values.pop("callbacks", [])
    everything = {
        "model": {"_target_": "lab.net.Net"},
        "data": {"_target_": "lab.net.Data"},
        "fit": {},
        "transforms": [],
        "augment": [],
    }
    return Experiment(config, everything | values, "net", ["full"], "data", [])


def found(rule: Rule, code: str, **values: Any) -> list[str]:
    return list(rule([Source(Path("src/lab/net.py"), ast.parse(dedent(code)))], experiment(**values)))


IMPORTS = """
import os, random, time
import numpy as np
import torch
import torch.nn.functional as F
from pathlib import Path
from sklearn.preprocessing import LabelEncoder, StandardScaler
from sklearn.feature_selection import SelectKBest
"""
