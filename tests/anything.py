"""What hypothesis puts where a value is expected: plain ones, nested ones, and those that somebody would try."""

from hypothesis import HealthCheck, settings
from hypothesis import strategies as some

FUZZ = settings(
    max_examples=60, deadline=None, derandomize=True, database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)  # fmt: skip
NASTY = some.sampled_from(
    ["../../victim", "/etc/passwd", "-x", "${oc.env:HOME}", "\0", "\x1b[2J", "=1", "<script>", "", "a" * 999]
)
TEXT = some.text(max_size=30) | NASTY
PLAIN = some.none() | some.booleans() | some.integers() | some.floats() | TEXT
VALUE = some.recursive(PLAIN, lambda inner: some.lists(inner, max_size=3) | some.dictionaries(TEXT, inner, max_size=3))
