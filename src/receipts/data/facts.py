"""What the splits of a manifest share: the facts that it states of them, so that nothing has to open test.

Found by `shared`, judged by the guards; read without NumPy.
"""

import msgspec


class ButOne(msgspec.Struct, forbid_unknown_fields=True):
    """How many of `looked` rows of a table equal a row of the splits before them in all columns but one.

    `inside` is the share of train rows that equal another one so, `by_accident` what the other columns would give by
    chance; `pairs` names the first few.
    """

    column: int
    n: int
    looked: int
    inside: float
    by_accident: float
    pairs: list[tuple[str, str]]


class Lagged(msgspec.Struct, forbid_unknown_fields=True):
    """How many of `looked` rows of a table are windows of a series that others of the splits before them continue.

    Those begin `lag` columns later; as many precede them. `pairs` names the first few.
    """

    lag: int
    n: int
    looked: int
    pairs: list[tuple[str, str]]


class Twins(msgspec.Struct, forbid_unknown_fields=True):
    """How many of `looked` rows of a split have a near twin in those before it, and how many would without a leak.

    `inside` is the share of train rows with a near twin in train, `by_accident` what scattered points would give;
    `pairs` names the first few: the row's id and its twin's. `changed` tells of images that are twins only after one of
    them is changed: how many, of how many, and how. `but_one` and `lagged`, of tables, are there only where
    rows were found.
    """

    split: str
    n: int
    looked: int
    inside: float
    by_accident: float
    pairs: list[tuple[str, str]]
    changed: tuple[int, int, str] = (0, 0, "")
    but_one: ButOne | msgspec.UnsetType = msgspec.UNSET
    lagged: Lagged | msgspec.UnsetType = msgspec.UNSET


class NearDuplicates(msgspec.Struct, forbid_unknown_fields=True):
    """Rows of val and test with a near twin in another split; `below` is what counts as near.

    `splits` tells them split by split; null in manifests of an older core and where nothing was searched.
    """

    n: int
    method: str
    below: float
    splits: list[Twins] | None = None


class Copies(msgspec.Struct, forbid_unknown_fields=True):
    """How many rows of a split stand in those before it too, byte for byte; `pairs` names the first few.

    `inside` is the share of train rows that stand twice in train, `by_accident` how many such rows samples of so few
    values would bring by themselves.
    """

    split: str
    n: int
    of: int
    inside: float
    by_accident: float
    pairs: list[tuple[str, str]]


class Facts(msgspec.Struct, forbid_unknown_fields=True):
    """What splits share: entities and rows that stand on both sides, and the order of times; null where unknown.

    `copies` tells the rows split by split, `centred` which share of the columns has a mean of nought over all rows and
    not over those of train; both null in manifests of an older core. `encoded` are columns that hold the mean label of
    each of their values over all rows, where there are any; `moments` is a column of moments by which rows of train are
    later than some that are held back, where the dataset declares no times; `misplaced` is by how many rows labels
    stand later than the inputs that they follow from; `followed` are the first columns of train that change with lines
    of test, or why nobody could find out.
    """

    entities: int | None
    times: bool | None
    duplicates_across: int
    near_duplicates_across: NearDuplicates
    copies: list[Copies] | None = None
    centred: float | None = None
    encoded: list[int] | msgspec.UnsetType = msgspec.UNSET
    moments: int | msgspec.UnsetType = msgspec.UNSET
    misplaced: int | msgspec.UnsetType = msgspec.UNSET
    followed: list[int] | str | msgspec.UnsetType = msgspec.UNSET
