"""What a cell imports, loaded once in the server that cells are forked from.

Nothing here may compute: threads that a library starts for its first computation do not survive a fork.
"""

import torchmetrics.functional  # noqa: F401

import receipts.data.opening
import receipts.evaluation.scoring
import receipts.training.estimators
import receipts.training.fit
import receipts.training.modules  # noqa: F401
