"""Checks made on data and model before anything is trained."""

from receipts.checks.guard import Guard

GUARDS = (
    Guard(
        "row-counts",
        "pre-flight",
        "Every opened split has as many rows as the manifest divides to it.",
        "receipts split NAME      (and commit it)",
    ),
    Guard(
        "content",
        "pre-flight",
        "Samples and labels of an opened split hash as on the day the split was made.",
        "take the change back, or receipts split NAME and commit it",
    ),
    Guard(
        "steady",
        "pre-flight",
        "Held-back samples are the same each time they are read, transforms included.",
        "put what draws into augment:, which meets train batches only; what transforms need they learn in fit(x, y)",
    ),
    Guard(
        "golden-batch",
        "pre-flight",
        "The first train rows come out of the transforms as they did when the split was made.",
        "take the change of code or library back, or receipts split NAME and commit it",
    ),
    Guard(
        "split-overlap",
        "pre-flight",
        "No sample of one split stands in another, byte for byte.",
        "drop the copies where the data are derived, or give them one entity and split.rule: entity; "
        "receipts split NAME",
    ),
    Guard(
        "near-duplicates",
        "pre-flight",
        "Samples of one split have no nearly equal twins in another: mirrored, re-encoded or slightly changed copies.",
        "divide before copying or augmenting, give copies one entity and split.rule: entity; "
        "split.near_duplicate states another tolerance; receipts split NAME",
    ),
    Guard(
        "weights-saw-held-back",
        "pre-flight",
        "The weights that training begins from have not learnt from rows that are held back now.",
        "begin from a run on this division, or from none; or make this division's train rows contain that run's",
    ),
    Guard(
        "entity-overlap",
        "pre-flight",
        "No declared entity (person, patient, device) has rows in two splits.",
        "split.rule: entity, and receipts split NAME",
    ),
    Guard(
        "entities-undeclared",
        "pre-flight",
        "No column names whom rows belong to while the division knows of nobody.",
        "self.entities = that column, split.rule: entity, and take it out of the inputs; or, if it is a category, "
        "declare dataset.features = {name: True}",
    ),
    Guard(
        "time-order",
        "pre-flight",
        "Where rows have times, train comes before val and val before test.",
        "split.rule: time, and receipts split NAME",
    ),
    Guard(
        "test-sealed",
        "pre-flight",
        "Code that trains was handed no test row, and opens no file of the data by itself.",
        "give the core a dataset with ids, inputs and targets, and learn from the batches that training_step is handed",
    ),
    Guard(
        "files-covered",
        "pre-flight",
        "Every file that the dataset reads is among those that its checksum covers.",
        "add it to self.files, dvc add it, receipts split NAME, and commit",
    ),
    Guard(
        "labels-covered",
        "pre-flight",
        "Classes that are common in val and test occur in train.",
        "make the class map once, from a sorted list, and divide so that train knows every class",
    ),
    Guard(
        "labels-aligned",
        "pre-flight",
        "Labels of train and val follow from the inputs by the same rule, as far as neighbours can tell.",
        "join labels by id, make the class map once for all splits, and look at some rows: receipts look conf=NAME",
    ),
    Guard(
        "labels-clean",
        "pre-flight",
        "Train labels contradict their neighbours no more often than val labels do.",
        "look at the rows that are named; mend or drop them where the data are derived",
    ),
    Guard(
        "labels-contradict",
        "pre-flight",
        "Samples that are equal, byte for byte, have equal labels.",
        "look at the ids that are named: a reader that repeats rows, classes merged twice, a join gone wrong",
    ),
    Guard(
        "feature-leaks-the-label",
        "pre-flight",
        "No single column gives the label away while all others together do not, and none is known only afterwards.",
        "drop the column; or declare dataset.features = {name: known at prediction time} if it is legitimate",
    ),
    Guard(
        "inputs-vary",
        "pre-flight",
        "Inputs differ from sample to sample.",
        "look at what the dataset and the transforms return: receipts look conf=NAME",
    ),
    Guard(
        "inputs-in-range",
        "pre-flight",
        "A network is not fed grey values of 0 to 255.",
        "divide by 255 or standardise in transforms:",
    ),
    Guard(
        "inputs-alike",
        "pre-flight",
        "Inputs of val lie in the same place and spread as those of train.",
        "give every split the same transforms, with the same mean and standard deviation",
    ),
    Guard(
        "statistics-of-all",
        "pre-flight",
        "No mean that held-back rows are part of was taken off, or put in the place of a category.",
        "store rows as they were measured, and centre or encode in transforms:, which are fitted on train rows only",
    ),
    Guard(
        "augment-keeps-labels",
        "pre-flight",
        "Augmentation does not rename classes.",
        "return the labels as they came, or mixed with those of the same batch",
    ),
    Guard(
        "augment-within-facts",
        "pre-flight",
        "Augmentation makes of images only what is declared to leave their labels true.",
        "take the change out of augment:, or add it to facts.invariances if a sample keeps its label through it",
    ),
    Guard(
        "workers-draw-alike",
        "pre-flight",
        "A dataset that draws while samples are read gives every worker and epoch draws of its own.",
        "draw from torch's or NumPy's global generator, or seed self.rng in a worker_init_fn from torch.initial_seed()",
    ),
    Guard(
        "reseeds-while-reading",
        "pre-flight",
        "Reading a sample leaves the global random generators on their way.",
        "take the seed out of __getitem__; draw from a generator of the sample's own",
    ),
    Guard(
        "loss-wants-logits",
        "pre-flight",
        "A loss that applies a softmax or sigmoid itself is given logits.",
        "give it the layer's output, and apply softmax or sigmoid in predict_step alone",
    ),
    Guard(
        "logits-cut-off",
        "pre-flight",
        "A loss of logits is given numbers of either sign.",
        "end the network in a plain layer, without ReLU, abs or clamp after it",
    ),
    Guard(
        "loss-wants-log-probabilities",
        "pre-flight",
        "Losses that take logarithms of probabilities, nll_loss and kl_div, are given them.",
        "apply log_softmax before, or use cross_entropy on logits",
    ),
    Guard(
        "loss-broadcasts",
        "pre-flight",
        "Predictions and targets of a loss have one shape.",
        "bring predictions to the target's shape: .squeeze(-1), or y[:, None]",
    ),
    Guard(
        "softmax-over-batch",
        "pre-flight",
        "Softmax runs over classes.",
        "softmax(dim=-1)",
    ),
    Guard(
        "samples-mixed",
        "pre-flight",
        "The prediction for a sample does not depend on which others are in its batch.",
        "look for reshape or view where permute is meant, means over the batch, and norms without running statistics",
    ),
    Guard(
        "cannot-learn-a-batch",
        "pre-flight",
        "One batch, learnt again and again, is not predicted worse and worse.",
        "look at the sign of the loss and at the learning rate",
    ),
    Guard(
        "rows-ignored",
        "pre-flight",
        "Every row of a batch has a say in the loss, wherever it stands.",
        "look for slices like [:n] in training_step, and for lengths that come from something else than the batch",
    ),
    Guard(
        "labels-ignored",
        "pre-flight",
        "The loss changes when labels are dealt out to other rows, or the batch is learnt without any.",
        "give the loss the labels of the batch, in the shape of the predictions",
    ),
    Guard(
        "disk-room",
        "pre-flight",
        "There is room on the disk for checkpoints and logs.",
        "make room: receipts gc lists runs that nothing names",
    ),
    Guard(
        "memory-room",
        "pre-flight",
        "Weights, gradients and the optimizer's state fit into memory.",
        "a smaller model, a machine or GPU with more memory, or end what else runs there",
    ),
    Guard(
        "time-limit",
        "pre-flight",
        "Training will take no longer than limits.hours.",
        "raise limits.hours, or train less: fewer epochs, larger batches, preset=fast",
    ),
)
