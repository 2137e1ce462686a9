"""Secrets planted in everything that is stored: none arrives, and what was taken out is said."""

import logging
import sys
import time
from pathlib import Path

import pytest
from folders import git as run_git
from records import made, score
from traps import Trap

from receipts.config.compose import compose
from receipts.provenance import environment, git, secrets
from receipts.refusal import Refusal
from receipts.replay.clone import refuse_dirty
from receipts.runs import draft, log, views
from receipts.runs.record import Code, Core
from receipts.runs.store import Run
from receipts.training import fit

# Made up, in two halves each, so that nobody's scanner takes this file for a leak.
PLANTED = {
    "GitHub token": "ghp" + "_" + "a1B2c3D4e5" * 4,
    "GitLab token": "glpat" + "-" + "a1B2c3D4e5F6g7H8i9J0",
    "AWS access key": "AKIA" + "ABCDEFGHIJ234567",
    "Hugging Face token": "hf" + "_" + "abcdefghijklmnopqrstuvwxyzABCDEFGH",
    "API key": "sk" + "-proj-" + "a1B2c3D4e5F6g7H8i9J0k1",
    "Google API key": "AIza" + "SyA1b2C3d4E5f6G7h8I9j0K1l2M3n4O5p6Q",
    "Slack token": "xoxb" + "-123456789012-abcdefghij",
    "package registry token": "pypi" + "-" + "AgEIcHlwaS5vcmc" * 4,
    "Azure storage key": "AccountKey" + "=" + "a1B2c3D4e5F6g7H8i9J0" * 4 + "==",
    "Docker token": "dckr" + "_pat_" + "a1B2c3D4e5F6g7H8i9J0k1",
    "SendGrid key": "SG" + "." + "a1B2c3D4e5F6g7H8i9J0k1" + "." + "a1B2c3D4e5F6g7H8i9J0" * 2,
    "Google access token": "ya29" + "." + "a1B2c3D4e5" * 4,
    "signed web token": "eyJ" + "hbGciOiJIUzI1NiJ9.eyJ" + "zdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9",
    "private key": "-----BEGIN RSA PRIVATE " + "KEY-----\nMIIEpAIBAAKCAQEA\n-----END RSA PRIVATE " + "KEY-----",
    "password in an address": "https://ada:" + "l0velace@example.org/r.git",
    "bearer token": "Authorization: Bearer " + "abcdefghijklmnopqrstuv",
    "name and password": "Authorization: Basic " + "dXNlcjpwYXNzd29yZDEyMzQ1Ng==",
    "password of a netrc": "machine api.example.org\n  login ada\n  password " + "l0velaceB7",
    "signature in an address": "https://example.org/c?sv=2020&sig=" + "a1B2c3D4e5F6g7H8i9J0%2Bxx%3D",
    "secret by its name": "AWS_SECRET_ACCESS_KEY=" + "wJalrXUtnFEMI/K7MDENG/bPxRfiCYzzz9KEY",
}
TOKEN = PLANTED["GitHub token"]
HARMLESS = [
    "sha256: 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "md5:9b335364f2b2c1a9b0f5a1d7e6c3a1b2",
    "commit f69eb5f0c1d2e3f4a5b6c7d8e9f0a1b2c3d4e5f6",
    "weights 79cd" * 8,
    "tokenizer: bert-base-uncased-v1x2y3",
    "pad_token = tokenizer.eos_token_id2",
    "max_tokens=123456789012",
    "api_key = os.environ['OPENAI_API_KEY']",
    "token_ids = torch.zeros(3, 4)",
    "password: str | None = None",
    "https://example.org/a/b?c=d",
    "git@example.org:group/project.git",
    "ssh://git@example.org/group/project.git",
    "step 123 of 400  loss 0.123456  key metrics",
    "secretary: none",
    "20261120-133702-baseline-s0-9f3c1a7e",
]


@pytest.mark.parametrize("kind", PLANTED)
def test_a_secret_is_replaced_by_what_it_was(kind: str) -> None:
    text, kinds = secrets.scrub(f"before\n{PLANTED[kind]}\nafter")
    assert kinds == [kind]
    assert f"[removed: {kind}]" in text
    assert text.startswith("before\n")
    assert text.endswith("\nafter")
    assert secrets.scrub(text) == (text, []), "what is clean stays as it is"


@pytest.mark.parametrize("text", HARMLESS)
def test_hashes_names_and_addresses_are_no_secrets(text: str) -> None:
    assert secrets.scrub(text) == (text, [])


@pytest.mark.parametrize("unit", ["sk-", "-eyJ", "SG.", "--", "--a-", "https://", "://a:", "token", "key=", "bearer "])
def test_a_line_of_nothing_but_beginnings_is_looked_through_in_no_time(unit: str) -> None:
    line = f"{unit * (60_000 // len(unit))} token"
    begun = time.process_time()
    assert secrets.scrub(line) == (line, [])
    assert time.process_time() - begun < 2, "a second of a slow machine; before there was a bound, minutes"


def test_the_core_and_its_examples_hold_nothing_that_looks_like_a_secret() -> None:
    root = Path(__file__).parents[2]
    files = [*root.glob("src/**/*.py"), *root.glob("conf/**/*.yaml"), *root.glob("*.py"), root / "requirements.lock"]
    assert [str(path) for path in files if secrets.scrub(path.read_text(encoding="utf-8"))[1]] == []


def test_variables_are_recorded_by_an_allow_list(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_TOKEN", TOKEN)
    monkeypatch.setenv("MY_OWN", TOKEN)
    assert TOKEN not in str(environment.snapshot(1))
    assert not [name for name in environment.VARIABLES if secrets.NAMED.search(f"{name}=a1b2c3d4e5f6g7h8")]


def test_a_patch_is_stored_without_them_and_the_record_says_that_it_no_longer_applies(
    trap: Trap, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run_git(trap.project, "init", "-q")
    run_git(trap.project, "add", "-A")
    run_git(trap.project, "commit", "-qm", "start")
    (trap.project / "src/lab/new.py").write_text(f"TOKEN = '{TOKEN}'\n")
    (trap.project / "src/lab/binary.py").write_bytes(bytes(range(256)) * 8)
    monkeypatch.setenv("LANG", TOKEN)
    folder = trap.run()
    code = Code("c0ffee", ["src/lab/binary.py", "src/lab/new.py"], None, Core("0.1.0", "0123"), "cd" * 32, {})
    run = Run(folder, made(0, score(), code=code))
    fit.store_environment(run, compose("conf=net"))
    stored = (folder / "code.patch").read_text()
    assert TOKEN not in stored
    assert "+TOKEN = '[removed: GitHub token]'" in stored
    binary = git.patch(["src/lab/binary.py"]).decode()
    assert binary in stored, "what is binary is not touched"
    assert TOKEN not in (folder / "environment.json").read_text()
    assert run.record.removed == {"environment.json": ["GitHub token"], "code.patch": ["GitHub token"]}
    assert "REMOVED  GitHub token from code.patch" in capsys.readouterr().out
    assert "no longer applies" in views.readme(run.record)
    with pytest.raises(Refusal, match="no longer applies"):
        refuse_dirty(run.record)


def test_a_command_is_recorded_without_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        sys, "argv", ["train.py", "conf=net", f"on_end=curl -H 'X: {TOKEN}'", "--token", "x1y2z3x4y5z6"]
    )
    text, kinds = secrets.scrub(draft.command())
    assert TOKEN not in text
    assert "x1y2z3x4y5z6" not in text
    assert kinds == ["GitHub token", "secret by its name"]


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("postgresql://ada:l0ve/lace@example.org/db", "postgresql://example.org/db"),
        ("http://ada:l0ve@lace@example.org:5000", "http://example.org:5000"),
        (f"http://{TOKEN}@example.org", "http://example.org"),
        (f"http://example.org/?key={TOKEN}", "http://example.org/?key=[removed: GitHub token]"),
        ("http://example.org:5000/a", "http://example.org:5000/a"),
        ("sqlite:///mlflow.db", "sqlite:///mlflow.db"),
        ("HTTPConnection(host='h') http://ada:l0ve@h is away", "HTTPConnection(host='h') http://h is away"),
    ],
)
def test_an_address_is_shown_without_them_whatever_signs_they_hold(address: str, shown: str) -> None:
    assert secrets.public(address) == shown


@pytest.mark.parametrize(
    "address",
    [
        f"https://ada:{TOKEN}@example.org/r.git",
        f"https://{TOKEN}@example.org/r.git",
        "https://ada:easy@example.org/r.git",
        "ada:easy@example.org/r.git",
        f"https://example.org/r.git?private_token={TOKEN}",
    ],
)
def test_a_remote_is_recorded_without_them(trap: Trap, address: str) -> None:
    run_git(trap.project, "init", "-q")
    run_git(trap.project, "remote", "add", "origin", address)
    found = git.repository() or ""
    assert "example.org/r.git" in found
    assert TOKEN not in found
    assert "easy" not in found


def test_a_log_is_written_without_them_and_says_so_once(trap: Trap, capsys: pytest.CaptureFixture[str]) -> None:
    folder = trap.run()
    with log.logged(folder):
        for _ in range(3):
            logging.getLogger("lab").info("connecting with %s", TOKEN)
    text = (folder / "train.log").read_text()
    assert TOKEN not in text
    assert text.count("connecting with [removed: GitHub token]") == 3
    assert capsys.readouterr().err.count("REMOVED  GitHub token from train.log") == 1


def test_a_traceback_and_the_reason_of_a_failure_are_stored_without_them(trap: Trap) -> None:
    folder = trap.run()
    (folder / "train.rank1.log").write_text(f"rank 1 has {TOKEN}\n")
    with pytest.raises(ValueError, match="ghp"), Run(folder, made(0, status="running", ended=None)) as run:
        raise ValueError(f"401 for {TOKEN}")
    stored = "".join(path.read_text() for path in folder.iterdir() if path.is_file())
    assert TOKEN not in stored
    assert run.record.failure is not None
    assert run.record.failure.reason == "ValueError: 401 for [removed: GitHub token]"


@pytest.mark.parametrize(
    "word", [f"model.token={TOKEN}", f"purpose={TOKEN}", "+waive.password=a1B2c3D4e5F6", f"+waive.x=[{TOKEN}]"]
)
def test_a_config_that_holds_one_is_refused_before_anything_is_spent(trap: Trap, word: str) -> None:
    values = compose("conf=net").values
    key, _, value = word.lstrip("+").partition("=")
    values[key.split(".")[0]] = {key.split(".")[-1]: [value.strip("[]")] if "[" in value else value}
    with pytest.raises(Refusal, match="looks like a secret") as told:
        secrets.refuse(values)
    assert value.strip("[]") not in str(told.value)
    assert key.split(".")[-1] in str(told.value)


def test_an_honest_config_is_not_refused(trap: Trap) -> None:
    secrets.refuse(compose("conf=net").values)


def test_what_mlflow_is_sent_is_scrubbed_once_more(trap: Trap, monkeypatch: pytest.MonkeyPatch) -> None:
    from receipts.runs import delivery, tracking

    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{trap.project}/mlflow.db")
    folder = trap.run(purpose=f"with {TOKEN}", command=f"python train.py {TOKEN}")
    path = folder / "config.yaml"
    path.write_text(path.read_text().replace("hidden: 16", f"hidden: {TOKEN}"))
    store = tracking.Store()
    delivery.send(folder, store)
    found = store.client.search_runs([store.experiment])[0].data
    assert "[removed: GitHub token]" in found.tags["receipts.command"]
    assert found.params["model.hidden"] == "[removed: GitHub token]"
    assert TOKEN not in str(found.tags) + str(found.params)
