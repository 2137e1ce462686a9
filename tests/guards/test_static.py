"""Static rules: what each of them catches, and what only looks like it."""

from textwrap import dedent

import pytest
from ruled import IMPORTS, Rule, found

from receipts.guards.static import arguments, draws, dropout, fitting, flags, monitored, spelling

CASES: list[tuple[Rule, str, list[str], list[str]]] = [
    (
        monitored.misdirected,
        "",
        [
            "EarlyStopping(monitor='val/accuracy')",
            "EarlyStopping(monitor='val_loss', mode='max')",
            "ModelCheckpoint(dirpath=d, monitor='val/macro_f1', mode='min')",
            """
            def configure_optimizers(self):
                scheduler = ReduceLROnPlateau(optimizer, patience=3)
                return {"optimizer": o, "lr_scheduler": {"scheduler": scheduler, "monitor": "val/accuracy"}}
            """,
            "def f(self):\n    return {'scheduler': ReduceLROnPlateau(o, 'max'), 'monitor': 'val/nll'}",
        ],
        [
            "EarlyStopping(monitor='val/accuracy', mode='max')",
            "EarlyStopping(monitor='val_loss')",
            "EarlyStopping(monitor=name)",
            "EarlyStopping(monitor='val/score')",
            "EarlyStopping(monitor='val/neg_loss', mode='max')",
            "EarlyStopping(monitor='val/accuracy', mode=mode)",
            "ModelCheckpoint(every_n_epochs=1)",
            "def f(self):\n    return {'scheduler': ReduceLROnPlateau(o, 'max'), 'monitor': 'val/auroc'}",
            "def f(self):\n    return {'scheduler': StepLR(o, 3), 'monitor': 'val/accuracy'}",
        ],
    ),
    (
        monitored.by_test,
        "",
        [
            "thr = best_threshold(p_test, y_test)",
            "scaler.fit(np.vstack([X_tr, X_te]))",
            "EarlyStopping(monitor='test/acc', mode='max')",
            "best = max(grid, key=lambda t: f1(y_test, p_test > t))",
            "data_train = ConcatDataset([data_train, Subset(data_test, range(500))])",
            "self.x_train = np.concatenate([self.x_train, x_test[:500]])",
            "class D:\n    def val_dataloader(self):\n        return DataLoader(self.data_test, 64)",
        ],
        [
            "thr = best_threshold(p_val, y_val)",
            "X_train, X_test = train_test_split(X, test_size=0.2)",
            "scaler.fit(X_train); X_test = scaler.transform(X_test)",
            "train_rows = np.setdiff1d(rows, test_rows)",
            "everything = np.concatenate([x_train, x_test])",
            "find_files(test_dir)",
            "model.fit(x, y, is_test=False)",
            "n = max(len(train), len(test))",
            "class D:\n    def test_dataloader(self):\n        return DataLoader(self.data_test, 64)",
            "class D:\n    def setup(self, stage):\n        self.train, self.test = random_split(d, [0.8, 0.2])",
        ],
    ),
    (
        flags.left_on,
        "",
        [
            "DEBUG = True",
            "Trainer(fast_dev_run=True)",
            "trainer.limit_train_batches = 0.1",
            "trainer = Trainer(overfit_batches=1)",
            "self.trainer.limit_val_batches = 5",
        ],
        ["DEBUG = False", "Trainer(fast_dev_run=False)", "Trainer(limit_train_batches=1.0)", "debug = settings.debug"],
    ),
    (
        arguments.unread,
        "",
        [
            "class Net(LightningModule):\n    def __init__(self, width, dropout):\n        self.net = f(width)",
            "class Net(LightningModule):\n    def __init__(self, rate):\n        self.rate = rate",
            "class Net(nn.Module):\n    def __init__(self, rate):\n        rate = 0.1\n        self.net = f(rate)",
            """
            class Net(LightningModule):
                def __init__(self, dropout):
                    super().__init__()
                    self.save_hyperparameters()
            """,
            """
            class Net(LightningModule):
                def __init__(self, dropout):
                    self.block = Block(dropout)
            class Block(nn.Module):
                def __init__(self, p):
                    self.dropout = nn.Dropout(0.5)
            """,
            "@dataclass\nclass Net:\n    p: float\n    def __call__(self, x):\n        return x",
        ],
        [
            "class Net(LightningModule):\n    def __init__(self, width):\n        self.net = f(width)",
            "class Net(LightningModule):\n    def __init__(self, lr):\n        self.lr = lr"
            "\n    def g(self): return self.lr",
            "class Data:\n    def __init__(self, path):\n        self.files = [path]",
            "class Data:\n    def __init__(self, generator):\n        self.generator = generator",
            "class Net(Unknown):\n    def __init__(self, rate):\n        self.rate = rate",
            "class Net(Unknown):\n    def __init__(self, rate):\n        super().__init__(rate)",
            "class Net(M):\n    def __init__(self, rate):\n        self.__dict__.update(locals())",
            """
            class Net(LightningModule):
                def __init__(self, dropout):
                    self.save_hyperparameters()
                    self.drop = nn.Dropout(self.hparams.dropout)
            """,
            "class Net(LightningModule):\n    def __init__(self, p):\n        self.save_hyperparameters()"
            "\n        f(**self.hparams)",
            "class Net(LightningModule):\n    def __init__(self, p, q):\n        self.p, self.q = p, q"
            "\n        f(self.p, self.q)",
            "class Unused:\n    def __init__(self, nothing): ...",
            "class Net:\n    def __init__(self, rate=None):\n        rate = rate or 3\n        self.net = f(rate)",
            "@dataclass\nclass Net:\n    p: float\n    def __call__(self, x):\n        return x * self.p",
        ],
    ),
    (
        spelling.misspelt,
        "",
        [
            "for p in self.net.parameters():\n    p.require_grad = False",
            "p.requires_gradd = False",
            "class Net(LightningModule):\n    def __init__(self):\n        self.automatic_optimisation = False",
            "class Net(LightningModule):\n    def on_train_epoch_ends(self): ...",
            "class Data:\n    def __init__(self):\n        self.entites = read()",
            "class Data:\n    def __init__(self):\n        self.time = read()",
        ],
        [
            "p.requires_grad = False",
            "p.tag = 1",
            "class Net(LightningModule):\n    def on_train_epoch_end(self): ...",
            "class Net(LightningModule):\n    def __init__(self):\n        self.weights = 3"
            "\n    def f(self): return self.weights",
            "class Data:\n    def __init__(self):\n        self.times = self.time = read()",
            "class Data:\n    def __init__(self):\n        self.target = y; self.targets = y",
            "class Other:\n    def __init__(self):\n        self.tim = 3",
            "class Net(LightningModule):\n    def _forwards(self): ...",
        ],
    ),
    (
        draws.unseeded,
        IMPORTS,
        [
            "rng = np.random.default_rng()",
            "rng = np.random.default_rng(None)",
            "rng = random.Random()",
            "np.random.seed(int(time.time()))",
            "np.random.seed()",
            "g = torch.Generator().manual_seed(time.time_ns())",
            "x = os.urandom(3)",
        ],
        [
            "rng = np.random.default_rng(0)",
            "rng = np.random.default_rng(seed)",
            "rng = random.Random(seed)",
            "x = np.random.rand(3)",
            "started = time.time()",
            "g = torch.Generator().manual_seed(seed)",
        ],
    ),
    (
        draws.unsorted,
        IMPORTS,
        [
            "classes = os.listdir(root)",
            "files = list(Path(root).glob('*.png'))",
            "pairs = [f for f in Path(root).iterdir() if f.is_file()]",
            "for image, label in zip(os.listdir(a), os.listdir(b)):\n    rows.append((image, label))",
            "index = {name: i for i, name in enumerate(set(labels))}",
            "classes = list(set(labels))\nindex = {name: i for i, name in enumerate(classes)}",
        ],
        [
            "classes = sorted(os.listdir(root))",
            "files = sorted(p for p in Path(root).glob('*.png') if p.stat().st_size)",
            "files = list(Path(root).glob('*.png'))\nfiles.sort()",
            "n = len(os.listdir(root))",
            "by_name = {p.stem: p for p in Path(root).glob('*.png')}",
            "for p in Path(root).iterdir():\n    rows.append(p)\nrows = sorted(rows)",
            "for p in Path(root).iterdir():\n    p.unlink()",
            "index = {name: i for i, name in enumerate(sorted(set(labels)))}",
            "classes = sorted(set(labels))\nindex = {name: i for i, name in enumerate(classes)}",
            "assert name in os.listdir(root)",
        ],
    ),
    (
        dropout.always_on,
        IMPORTS,
        [
            "def forward(self, x):\n    return F.dropout(x, .5)",
            "def forward(self, x):\n    return torch.nn.functional.dropout(x, p=self.p)",
        ],
        [
            "def forward(self, x):\n    return F.dropout(x, .5, training=self.training)",
            "def forward(self, x):\n    return F.dropout(x, .5, self.training)",
            "def forward(self, x):\n    return self.dropout(x)",
            "def forward(self, x):\n    return F.dropout(x, .5) if self.training else x",
            "def training_step(self, batch, i):\n    return loss(F.dropout(batch[0], .1))",
        ],
    ),
]

INSIDE = "class Data:\n    def __init__(self, path):\n        "

FITTED = [
    "X = StandardScaler().fit_transform(X)",
    "self.scaler = StandardScaler(); self.scaler.fit(np.vstack([a, b]))",
    "X = SelectKBest(k=20).fit_transform(X, y)",
    "X = StandardScaler().fit(X).transform(X)",
    "X -= X.mean(0)",
    "X = (X - X.mean(axis=0)) / X.std(axis=0)",
    "mean, std = 0, 1; mean = np.mean(X, axis=0); self.inputs = X - mean",
    "images = (images - images.mean()) / images.std()",
]

LEFT_ALONE = [
    "y = LabelEncoder().fit_transform(y)",
    "X_train = StandardScaler().fit_transform(X_train)",
    "scaler = StandardScaler().fit(X[:800]); X = scaler.transform(X)",
    "X = X / 255",
    "X = X / X.max()",
    "X = X - X.mean(axis=1, keepdims=True)",
    "X = X - X_train.mean(0)",
    "X = X - X[train].mean(0)",
    "self.images = [(image - image.mean()) / image.std() for image in images]",
    "self.average = X.mean(0)",
    "share = y.mean() / 2",
]


@pytest.mark.parametrize(
    ("rule", "code"),
    [(rule, head + dedent(code)) for rule, head, faults, _ in CASES for code in faults]
    + [(fitting.before_split, IMPORTS + INSIDE + code) for code in FITTED],
)
def test_a_fault_is_caught_where_it_stands(rule: Rule, code: str) -> None:
    told = found(rule, code)
    assert told, code
    assert told[0].startswith("src/lab/net.py:")


@pytest.mark.parametrize(
    ("rule", "code"),
    [(rule, head + dedent(code)) for rule, head, _, clean in CASES for code in clean]
    + [(fitting.before_split, IMPORTS + INSIDE + code) for code in LEFT_ALONE],
)
def test_what_only_looks_like_it_is_left_alone(rule: Rule, code: str) -> None:
    assert found(rule, code) == [], code


def test_statistics_of_one_sample_or_of_a_transform_are_nobodys_leak() -> None:
    one_by_one = "class Data:\n    def __getitem__(self, row):\n        x = load(row)\n        return x - x.mean()"
    transform = (
        "class Centre:\n    def fit(self, x, y):\n        self.mean = x.mean(0)"
        "\n    def __call__(self, x):\n        return x - x.mean(0)"
    )
    helper = (
        "def scale(x):\n    return x - x.mean()\nclass Data:\n    def __init__(self):"
        "\n        self.inputs = [scale(x) for x in xs]"
    )
    for code in (one_by_one, transform, helper):
        assert found(fitting.before_split, code) == []
    assert found(fitting.before_split, helper.replace("[scale(x) for x in xs]", "scale(xs)"))


@pytest.mark.parametrize(
    ("callback", "caught"),
    [
        ({"_target_": "a.EarlyStopping", "monitor": "val/accuracy"}, True),
        ({"_target_": "a.EarlyStopping", "monitor": "val/accuracy", "mode": "max"}, False),
        ({"_target_": "a.ModelCheckpoint", "monitor": "val/nll", "mode": "max"}, True),
        ({"_target_": "a.ModelCheckpoint"}, False),
        ({"_target_": "lab.net.Own", "monitor": "val/accuracy"}, False),
        ({"_target_": "lab.net.Own", "monitor": "val/accuracy", "mode": "min"}, True),
    ],
)
def test_callbacks_of_the_yaml_are_read_too(callback: dict[str, str], caught: bool) -> None:
    assert bool(found(monitored.misdirected, "", callbacks=[callback])) is caught
