"""Python's own values: packed, through a file, and back."""

import enum
import io
from collections import Counter, OrderedDict, defaultdict, deque
from typing import Any

import numpy as np
import pytest
import torch

from receipts.training.plain import LARGE, NotPlain, digest, given_back, leads_out, packed, unpacked


class Colour(enum.Enum):
    RED, BLUE = 1, 2


VALUES: list[Any] = [
    *(None, True, 0, 2**130, -0.0, 1e-310, "é\x00", b"\xff", (), [], {}, set(), deque()),
    *([1, "a", None, [2.5, (3,)]], {"a": 1, 2: [b"b"]}, {1, 2, 3}, frozenset("ab"), (1, (2,))),
    *(deque([1, 2], maxlen=2), OrderedDict(b=1, a=2), Counter("abb")),
    *(torch.arange(6).reshape(2, 3), torch.ones(2, dtype=torch.bfloat16), torch.tensor(3 + 4j), torch.zeros(0, 2)),
    *(np.arange(6, dtype=">u2").reshape(3, 2), np.float64(0.1), np.array("text"), np.array([], np.bool_)),
    {"nested": [np.int8(3), {"deeper": torch.tensor([1.0, float("inf")])}]},
]


def same(one: Any, other: Any) -> bool:
    if type(one) is not type(other):
        return False
    if isinstance(one, torch.Tensor):
        return one.dtype == other.dtype and torch.equal(one, other)
    if isinstance(one, np.ndarray | np.generic):
        return one.dtype == other.dtype and one.shape == other.shape and one.tobytes() == other.tobytes()
    if isinstance(one, list | tuple | deque):
        maxlen = [getattr(each, "maxlen", None) for each in (one, other)]
        return len(one) == len(other) and all(map(same, one, other)) and maxlen[0] == maxlen[1]
    if isinstance(one, dict):
        return list(one) == list(other) and all(same(one[key], other[key]) for key in one)
    return repr(one) == repr(other)


@pytest.mark.parametrize("value", VALUES, ids=repr)
def test_what_is_plain_comes_back_from_a_file_as_it_was(value: Any) -> None:
    file = io.BytesIO()
    torch.save(packed(value), file)
    file.seek(0)
    found = torch.load(file, weights_only=True)
    assert same(unpacked(found), value)
    assert same(given_back(found, None), value)
    assert digest(found) == digest(packed(value))


def test_different_values_are_known_by_different_digests() -> None:
    values = [*VALUES, False, 1, 1.0, [True], [1], (1,), torch.tensor(1), torch.tensor([1]), np.int64(1)]
    assert len({digest(packed(value)) for value in values}) == len(values)


class Marked(torch.Tensor):
    """A tensor that is more than its numbers."""


NOT_PLAIN: list[Any] = [
    *(object(), [object()], {"a": len}, torch.nn.Parameter(torch.ones(1)), iter([1]), Colour),
    *(torch.eye(2).to_sparse(), torch.ones(1, device="meta"), torch.ones(1).as_subclass(Marked)),
    *(np.ma.masked_array([1], [True]), np.zeros(1, dtype=[("a", "f4")]), [Colour.RED], {Colour.RED: 1}),
]


@pytest.mark.parametrize("value", NOT_PLAIN, ids=lambda value: type(value).__name__)
def test_what_is_not_plain_is_not_taken_for_it(value: Any) -> None:
    with pytest.raises(NotPlain):
        packed(value)


def test_an_object_that_others_hold_is_written_into() -> None:
    objects: list[tuple[Any, Any]] = [
        (torch.zeros(2), torch.tensor([1.0, 2.0])),
        ([0], [1, 2]),
        ({"a": 0}, {"b": 1}),
        ({1}, {2}),
        (deque([0], maxlen=1), deque([7], maxlen=1)),
        (defaultdict(list), defaultdict(list, a=[1])),
    ]
    for now, was in objects:
        assert given_back(packed(was), now) is now
        assert same(now, was)
    with pytest.raises(NotPlain):
        given_back(packed(defaultdict(list)), None)
    assert given_back(packed(Colour.BLUE), Colour.RED) is Colour.BLUE
    with pytest.raises(NotPlain):
        given_back(packed(Colour.BLUE), None)
    turned = torch.zeros(3, 2).T
    assert torch.equal(given_back(packed(torch.ones(2, 3)), turned), torch.ones(2, 3))
    assert not turned.any(), "others may see this one otherwise"


@pytest.mark.parametrize("value", [torch.empty(LARGE + 1, dtype=torch.uint8), np.empty(LARGE // 8 + 1)], ids=["t", "a"])
def test_what_is_as_large_as_data_goes_into_no_point(value: Any) -> None:
    with pytest.raises(NotPlain, match="bytes"):
        packed(value)


@pytest.mark.parametrize(
    ("value", "leads"),
    [
        *((text, True) for text in ("/etc", "C:\\x", "\\\\host\\x", "a/../b", "..", {"a": ["/x"]}, ("/x", 1))),
        *((text, False) for text in ("", "img/001.png", "a..b", 3.5, {"a": ["b"]}, torch.ones(2))),
    ],
)
def test_a_text_that_leads_somewhere_else_is_told_from_others(value: Any, leads: bool) -> None:
    assert leads_out(packed(value)) is leads
