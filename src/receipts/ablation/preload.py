"""What a cell imports, loaded once in the server that cells are forked from.

Nothing here may compute: threads that a library starts for its first computation do not survive a fork.
"""
# ruff: noqa: F401 - importing is all it does

import lightning.pytorch
import pandas
import pyarrow.parquet
import scipy.stats
import sklearn.linear_model
import sklearn.metrics
import sklearn.pipeline
import skops.io
import torchmetrics.functional

import receipts.data.opening
import receipts.evaluation.scoring
import receipts.training.estimators
import receipts.training.fit
import receipts.training.modules
