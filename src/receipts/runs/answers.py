"""What a tracking server answers: nothing that it says is more than a failure of the store, or leads anywhere else.

MLflow's client trusts its server to keep to the protocol. A proxy's page, a broken server or a hostile one makes it
raise whatever comes along, ask without end, or write where the server says.
"""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit
from urllib.request import url2pathname

from receipts.refusal import Refusal

PAGE: Final = 1000  # runs asked for at once
PAGES: Final = 1000  # a million runs


class OddAnswer(OSError):
    """An answer that MLflow's client cannot make anything of."""


class Client:
    """MLflow's client, or its way to the files of a run: every failure is one of `known` or an `OddAnswer`."""

    def __init__(self, client: Any, known: tuple[type[Exception], ...]) -> None:
        self._client, self._known = client, known

    def __getattr__(self, name: str) -> Callable[..., Any]:
        return partial(self.asked, getattr(self._client, name))

    def asked(self, method: Callable[..., Any], *words: Any, **named: Any) -> Any:
        """What a function of MLflow's returns, in which nothing fails in another way."""
        try:
            return method(*words, **named)
        except self._known:
            raise
        except Exception as error:  # of parsing what came: KeyError, RecursionError, protobuf's, an assertion, …
            raise OddAnswer(f"its answer is none: {type(error).__name__}: {error}") from error


def pages(client: Client, experiment: str, order: list[str] | None = None) -> Iterator[Any]:
    """The runs of an experiment, asked for a page at a time; raises `OddAnswer` where pages come without end."""
    token: str | None = None
    seen: set[str | None] = set()
    while True:
        page = client.search_runs([experiment], max_results=PAGE, order_by=order, page_token=token)
        yield from page
        seen.add(token)
        token = page.token
        if not token:
            return
        if token in seen or len(seen) >= PAGES:
            raise OddAnswer(f"it has another page of runs after {len(seen)} pages")


def refuse_elsewhere(run: Any) -> None:
    """Refuse a run whose files the server wants in a folder of this machine that is not that run's alone.

    A local folder is what MLflow makes of a store on the same disk, and ends with the run's id; any other would have
    files of a run written over what lies there.
    """
    try:
        address = urlsplit(str(run.info.artifact_uri))
    except ValueError as error:
        raise OddAnswer(f"its answer is none: {error}") from error
    place, name = Path(url2pathname(address.path)), str(run.info.run_id)
    if address.scheme in ("", "file") and not (name.isalnum() and place.parts[-2:] == (name, "artifacts")):
        raise Refusal(
            "the server names a folder of this machine for its files",
            f"{str(place)[:200]!r} is no folder of that run alone",
            "ask whoever runs the server",
        )
