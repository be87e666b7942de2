"""Records of rows: choosing and joining."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
import torch
from torch import Tensor

from anchorfit.rows import Rows, rowwise_atan2


@dataclass(frozen=True, kw_only=True)
class Inner(Rows):
    energy: dict[str, Tensor]

    def __len__(self) -> int:
        return len(next(iter(self.energy.values())))


@dataclass(frozen=True, kw_only=True)
class Record(Rows):
    values: Tensor
    names: tuple[str, ...]
    inner: Inner
    unit: str = "mm"

    def __len__(self) -> int:
        return len(self.names)


def test_masks_of_another_shape_are_refused():
    with pytest.raises(ValueError, match=r"index: expected a mask \(5,\), got \(3,\)"):
        record(0, 5).rows(torch.tensor([True, False, True]))


def record(first: int, count: int, *, term: str = "a", unit: str = "mm") -> Record:
    numbers = torch.arange(first, first + count)
    return Record(
        values=numbers[:, None].float(),
        names=tuple(map(str, numbers.tolist())),
        inner=Inner(energy={term: numbers.float()}),
        unit=unit,
    )


def test_chosen_rows_come_in_the_order_asked_for():
    some = record(0, 4).rows([2, 0, 2])
    assert some.names == ("2", "0", "2")
    assert some.values.tolist() == [[2.0], [0.0], [2.0]]
    assert some.inner.energy["a"].tolist() == [2.0, 0.0, 2.0]
    assert record(0, 4).rows(torch.tensor([3])).names == ("3",)
    assert record(0, 4).rows([]).names == ()
    assert record(0, 4).rows(torch.tensor([False, True, False, True])).names == ("1", "3")
    assert record(0, 4).rows([True, False, False, True]).names == ("0", "3")


def test_joining_is_the_inverse_of_choosing():
    whole = record(0, 4)
    again = Record.concatenate([whole.rows([0, 1]), whole.rows([2]), whole.rows([3])])
    assert again.names == whole.names
    assert torch.equal(again.values, whole.values)
    assert torch.equal(again.inner.energy["a"], whole.inner.energy["a"])


def test_a_key_that_a_record_lacks_is_zero_there():
    joined = Record.concatenate([record(1, 2), record(5, 1, term="b")]).inner.energy
    assert joined["a"].tolist() == [1.0, 2.0, 0.0]
    assert joined["b"].tolist() == [0.0, 0.0, 5.0]


def test_what_holds_for_all_rows_has_to_agree():
    with pytest.raises(ValueError, match="unit differs: 'mm', 'm'"):
        Record.concatenate([record(0, 1), record(1, 1, unit="m")])
    with pytest.raises(ValueError, match="at least one Record"):
        Record.concatenate([])


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_angle_of_a_row_does_not_depend_on_its_place(dtype):
    y, x = torch.randn(2, 500, generator=torch.Generator().manual_seed(0), dtype=dtype)
    whole = rowwise_atan2(y, x)
    torch.testing.assert_close(whole, torch.atan2(y, x))
    spread = torch.stack((y, x), 1)
    for first, last in ((0, 1), (3, 10), (5, 38), (100, 164), (17, 500)):
        assert torch.equal(rowwise_atan2(y[first:last], x[first:last]), whole[first:last])
        assert torch.equal(rowwise_atan2(*spread[first:last].unbind(1)), whole[first:last])
