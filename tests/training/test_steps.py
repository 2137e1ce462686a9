"""Short steps are Lightning's own: the same calls in the same order to the same bits, and the long way otherwise."""

from pathlib import Path
from typing import Any

import pytest
import torch
from lightning.pytorch import Callback, LightningModule, Trainer
from torch import Tensor, nn

from receipts.data.batches import OrderedBatches, TrainBatches
from receipts.training.steps import OF_CALLBACKS, OF_MODULES, OF_WATCHED_MODULES, ShortPasses, ShortSteps, shorten

TOLD = tuple(name for name in vars(Callback) if name.startswith("on_") and not name.endswith("checkpoint"))


class Net(LightningModule):
    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Linear(5, 8), nn.Dropout(0.3), nn.ReLU(), nn.Linear(8, 1))

    def training_step(self, batch: tuple[Tensor, Tensor]) -> dict[str, Tensor]:
        loss = (self.body(batch[0]).squeeze(-1) - batch[1]).square().mean()
        self.log("loss", loss, on_step=True, on_epoch=True)
        return {"loss": loss, "double": 2 * loss.detach()}

    def validation_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> None:
        self.log("val", self.body(batch[0]).mean())

    def configure_optimizers(self) -> Any:
        optimizer = torch.optim.Adam(self.parameters(), lr=0.1)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 0.1, total_steps=24)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}


class Steady(Net):
    def configure_optimizers(self) -> Any:
        return torch.optim.Adam(self.parameters(), lr=0.1)


class Stops(Steady):
    def training_step(self, batch: tuple[Tensor, Tensor]) -> dict[str, Tensor]:
        self.trainer.should_stop |= self.trainer.global_step == 9
        return super().training_step(batch)


class Recorder(Callback):
    """Hooks with what they were given, and where the trainer stood."""

    def __init__(self, names: tuple[str, ...]) -> None:
        self.told: list[Any] = []
        for name in names:
            setattr(self, name, self.teller(name))

    def teller(self, name: str) -> Any:
        def tell(trainer: Trainer, module: LightningModule, *values: Any) -> None:
            rate = trainer.optimizers[0].param_groups[0]["lr"] if trainer.optimizers else None
            place = (module._current_fx_name, trainer.global_step, trainer.current_epoch, rate, module.training)
            self.told.append((name, place, [plain(value) for value in values], plain(dict(trainer.callback_metrics))))

        return tell


def plain(value: Any) -> Any:
    if isinstance(value, Tensor):
        return value.tolist()
    if isinstance(value, dict):
        return {key: plain(each) for key, each in value.items()}
    return [plain(each) for each in value] if isinstance(value, tuple) else type(value).__name__


def fitted(
    folder: Path, module: LightningModule, short: bool, names: tuple[str, ...] = TOLD, **options: Any
) -> tuple[list[Any], list[Any], Trainer]:
    torch.manual_seed(0)
    with torch.random.fork_rng():
        for parameter in module.parameters():
            nn.init.normal_(parameter)
    x = torch.arange(230.0).reshape(46, 5).sin()
    recorder = Recorder(names)
    trainer = Trainer(
        accelerator="cpu",
        max_epochs=4,
        gradient_clip_val=0.5,
        callbacks=[recorder],
        logger=False,
        default_root_dir=folder,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        num_sanity_val_steps=0,
        **options,
    )
    if short:
        shorten(trainer)
    trainer.fit(module, TrainBatches(x, x[:, 0], 8, 0), OrderedBatches(x, x[:, 0], 46, 8))
    return recorder.told, [parameter.tolist() for parameter in module.parameters()], trainer


@pytest.mark.filterwarnings("ignore:.*does not have many workers", "ignore:.*smaller than the logging interval")
@pytest.mark.filterwarnings("ignore:.*LeafSpec.* is deprecated")
class TestShortSteps:
    def test_they_make_the_calls_that_lightning_makes_in_its_order_and_to_the_same_bits(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        made, optimize = [], ShortSteps.optimize

        def counted(self: ShortSteps, batch: Any, index: int) -> Any:
            made.append(index)
            return optimize(self, batch, index)

        monkeypatch.setattr(ShortSteps, "optimize", counted)
        long, weights, _ = fitted(tmp_path, Net(), short=False, val_check_interval=0.5)
        told, ours, trainer = fitted(tmp_path, Net(), short=True, val_check_interval=0.5)
        assert isinstance(loop := trainer.fit_loop.epoch_loop, ShortSteps)
        assert loop.is_short
        assert isinstance(loop.val_loop, ShortPasses)
        assert loop.val_loop.is_short
        assert made == 4 * list(range(6)), "Lightning's loop still goes by the names that are overridden here"
        assert {name for name, *_ in told} >= {*OF_CALLBACKS, "on_validation_batch_end", "on_train_epoch_end"}
        for one, other in zip(told, long, strict=True):
            assert one == other
        assert ours == weights

    @pytest.mark.parametrize("kind", [Steady, Stops, Net])
    @pytest.mark.parametrize(
        "options",
        [
            *({}, {"val_check_interval": 0.5}, {"check_val_every_n_epoch": 2}, {"limit_train_batches": 4}),
            *({"max_steps": 9}, {"min_epochs": 3}, {"val_check_interval": 4, "check_val_every_n_epoch": None}),
        ],
    )
    def test_what_follows_a_batch_follows_it_as_ever(
        self, tmp_path: Path, kind: type[Net], options: dict[str, Any]
    ) -> None:
        long, weights, other = fitted(tmp_path, kind(), short=False, **options)
        told, ours, trainer = fitted(tmp_path, kind(), short=True, **options)
        assert trainer.fit_loop.epoch_loop.is_short
        assert (told, ours) == (long, weights)
        assert trainer.fit_loop.state_dict() == other.fit_loop.state_dict()

    @pytest.mark.parametrize("hook", OF_MODULES)
    def test_a_module_with_such_a_hook_has_its_steps_made_by_lightning(self, tmp_path: Path, hook: str) -> None:
        called = []

        def own(self: Net, *values: Any, **named: Any) -> Any:
            called.append(hook)
            return getattr(LightningModule, hook)(self, *values, **named)

        kind = type("Own", (Net,), {hook: own})
        _, _, trainer = fitted(tmp_path, kind(), short=True)
        assert not trainer.fit_loop.epoch_loop.is_short
        assert called

    @pytest.mark.parametrize("hook", OF_WATCHED_MODULES)
    def test_so_has_its_passes_over_val_one_that_has_a_say_in_them(self, tmp_path: Path, hook: str) -> None:
        called = []

        def own(self: Net, *values: Any, **named: Any) -> Any:
            called.append(self.trainer.validating)
            return getattr(LightningModule, hook)(self, *values, **named)

        kind = type("Own", (Net,), {hook: own})
        _, _, trainer = fitted(tmp_path, kind(), short=True)
        assert not trainer.fit_loop.epoch_loop.val_loop.is_short
        assert any(called)

    def test_what_a_module_logs_at_every_step_of_val_is_known_as_it_would_be(self, tmp_path: Path) -> None:
        class Logs(Net):
            def validation_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> None:
                self.log("each", self.body(batch[0]).mean(), on_step=True, on_epoch=True)

        end = ("on_fit_end",)  # whoever looks at every step brings what is known up to date
        long, weights, _ = fitted(tmp_path, Logs(), False, end)
        told, ours, trainer = fitted(tmp_path, Logs(), True, end)
        assert trainer.fit_loop.epoch_loop.val_loop.is_short
        assert (told, ours) == (long, weights)
        assert {"each", "each_epoch"} <= set(told[0][-1])

    @pytest.mark.parametrize("options", [{"accumulate_grad_batches": 2}, {"precision": "bf16-mixed"}])
    def test_so_have_accumulated_batches_and_other_precisions(self, tmp_path: Path, options: dict[str, Any]) -> None:
        long, weights, _ = fitted(tmp_path, Net(), short=False, **options)
        told, ours, trainer = fitted(tmp_path, Net(), short=True, **options)
        assert not trainer.fit_loop.epoch_loop.is_short
        assert (told, ours) == (long, weights)

    def test_a_module_that_steps_its_optimizers_itself_is_left_alone(self, tmp_path: Path) -> None:
        class Manual(Net):
            def __init__(self) -> None:
                super().__init__()
                self.automatic_optimization = False

            def training_step(self, batch: tuple[Tensor, Tensor]) -> None:
                self.optimizers().zero_grad()
                self.manual_backward(self.body(batch[0]).mean())
                self.optimizers().step()

        with pytest.raises(Exception, match="gradient clipping"):  # Lightning's own refusal, reached as ever
            fitted(tmp_path, Manual(), short=True)

    @pytest.mark.filterwarnings("ignore:.*returned `None`:UserWarning")  # Lightning says so once a process
    def test_a_step_without_a_loss_updates_as_lightning_lets_it(self, tmp_path: Path) -> None:
        class Silent(Net):
            def training_step(self, batch: tuple[Tensor, Tensor]) -> Any:
                return None if batch[0][0, 0] > 0 else super().training_step(batch)

        long, weights, _ = fitted(tmp_path, Silent(), short=False)
        told, ours, _ = fitted(tmp_path, Silent(), short=True)
        assert (told, ours) == (long, weights)
