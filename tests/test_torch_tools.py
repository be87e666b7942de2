"""torch's own tools on body and networks: exported with a batch of any size, compiled, differentiated and mapped."""

import pytest
import torch

from anchorfit.body import BodyModule, load_body
from anchorfit.regressors import load_human2d_network, load_pose_prior_network, load_shape_prior_network
from anchorfit.regressors.pose_prior import NUM_FEATURES


@pytest.fixture(scope="module")
def module():
    return BodyModule(load_body())


def arguments(count):
    generator = torch.Generator().manual_seed(count)
    return tuple(0.3 * torch.randn(count, size, generator=generator) for size in (10, 69, 3, 3))


def exported(module, make):
    batch = torch.export.Dim("batch", min=1)
    given = make(2)
    return torch.export.export(module, given, dynamic_shapes=tuple({0: batch} for _ in given)).module()


def flat(outputs):
    return [one for one in torch.utils._pytree.tree_leaves(outputs) if isinstance(one, torch.Tensor)]


def test_the_body_is_exported_with_a_batch_of_any_size():
    body = load_body()
    program = exported(BodyModule(body), arguments)
    for count in (1, 7):
        given = arguments(count)
        names = ("betas", "body_pose", "global_orient", "transl")
        ours = body(**dict(zip(names, given, strict=True)))  # and tracing left nothing behind in it
        for one, other in zip(program(*given), ours, strict=True):
            torch.testing.assert_close(one, other, atol=1e-6, rtol=0)


@pytest.mark.parametrize(
    ("load", "shape"),
    [
        (load_pose_prior_network, (NUM_FEATURES,)),
        (load_shape_prior_network, (64, 64)),
        pytest.param(load_human2d_network, (3, 64, 64), marks=pytest.mark.slow),
    ],
)
@torch.no_grad()
def test_networks_are_exported_with_a_batch_of_any_size(load, shape):
    network = load()

    def make(count):
        return (torch.rand(count, *shape, generator=torch.Generator().manual_seed(count)),)

    program = exported(network, make)
    for count in (1, 5):
        for one, other in zip(flat(program(*make(count))), flat(network(*make(count))), strict=True):
            torch.testing.assert_close(one, other, atol=1e-5, rtol=1e-5)


def test_the_body_is_compiled(module):
    """By the back end that needs no C compiler; all of it in one graph."""
    torch._dynamo.reset()
    compiled = torch.compile(module, backend="aot_eager", fullgraph=True, dynamic=True)
    for count in (2, 3):
        for one, other in zip(compiled(*arguments(count)), module(*arguments(count)), strict=True):
            torch.testing.assert_close(one, other, atol=1e-6, rtol=0)


def test_the_body_is_mapped_and_differentiated_by_torch_func(module):
    given = arguments(3)
    rows = torch.func.vmap(lambda *row: module(*(value[None] for value in row)).vertices[0])(*given)
    torch.testing.assert_close(rows, module(*given).vertices, atol=1e-6, rtol=0)

    def joints(body_pose):
        return module(given[0][:1], body_pose, given[2][:1], given[3][:1]).joints

    forward, backward = (kind(joints)(given[1][:1]) for kind in (torch.func.jacfwd, torch.func.jacrev))
    torch.testing.assert_close(forward, backward, atol=1e-5, rtol=0)


@pytest.mark.parametrize(
    ("load", "shape"), [(load_pose_prior_network, (NUM_FEATURES,)), (load_shape_prior_network, (64, 64))]
)
def test_networks_are_mapped_and_differentiated_by_torch_func(load, shape):
    network = load()
    given = torch.rand(3, *shape, generator=torch.Generator().manual_seed(3))

    def first(row):
        return flat(network(row[None]))[0][0]

    torch.testing.assert_close(torch.func.vmap(first)(given), flat(network(given))[0], atol=1e-4, rtol=1e-4)
    along = torch.ones_like(given[0])
    (pulled,) = torch.func.vjp(lambda row: first(row).sum(), given[0])[1](torch.tensor(1.0))
    pushed = torch.func.jvp(first, (given[0],), (along,))[1]
    torch.testing.assert_close((pulled * along).sum(), pushed.sum(), atol=1e-3, rtol=1e-3)  # once 511 and 199


@torch.no_grad()
def test_a_network_is_compiled():
    torch._dynamo.reset()
    network = load_shape_prior_network()
    given = torch.rand(3, 64, 64, generator=torch.Generator().manual_seed(3))
    compiled = torch.compile(network, backend="aot_eager", fullgraph=True)
    for one, other in zip(flat(compiled(given)), flat(network(given)), strict=True):
        torch.testing.assert_close(one, other, atol=1e-6, rtol=0)
