"""The parameter vector: parts go in and come out, and what does not fit is said."""

from __future__ import annotations

import pytest
import torch

from anchorfit.body import Layout, load_body


@pytest.mark.parametrize("num_betas", [1, 5, 10, 300])
def test_split_is_the_inverse_of_join(num_betas):
    layout = Layout(num_betas)
    params = torch.arange(2.0 * layout.size).view(2, -1)
    parts = layout.split(params)
    assert [part.shape[1] for part in parts] == [3, 69, num_betas, 3]
    assert torch.equal(layout.join(**parts._asdict()), params)
    assert torch.equal(parts.pose, params[:, layout.pose])
    assert torch.equal(params[:, layout.depth], parts.transl[:, 2])
    assert Layout.of_size(layout.size) == layout


def test_each_number_of_a_row_belongs_to_one_part():
    layout = Layout(10)
    columns = [
        c
        for name in ("global_orient", "body_pose", "betas", "transl")
        for c in range(*getattr(layout, name).indices(85))
    ]
    assert columns == list(range(85))


def test_what_does_not_fit_is_named():
    layout = Layout(10)
    with pytest.raises(ValueError, match=r"init: expected \(4, 85\), got \(3, 85\)"):
        layout.check(torch.zeros(3, 85), "init", count=4)
    with pytest.raises(ValueError, match=r"params: expected \(B, 85\), got \(85,\)"):
        layout.check(torch.zeros(85))
    with pytest.raises(ValueError, match=r"betas: expected \(..., 10\), got \(1, 5\)"):
        layout.join(
            global_orient=torch.zeros(1, 3),
            body_pose=torch.zeros(1, 69),
            betas=torch.zeros(1, 5),
            transl=torch.zeros(1, 3),
        )
    with pytest.raises(ValueError, match="at least 76 numbers"):
        Layout.of_size(75)


def test_betas_of_another_layout_keep_their_first_components():
    betas = torch.tensor([[1.0, 2.0, 3.0]])
    assert Layout(2).fit_betas(betas).tolist() == [[1.0, 2.0]]
    assert Layout(5).fit_betas(betas).tolist() == [[1.0, 2.0, 3.0, 0.0, 0.0]]


def test_a_body_knows_its_layout():
    assert load_body(num_betas=5).layout == Layout(5)
