import json

import numpy as np
import pytest
import torch
import trimesh

from anchorfit.meshes import MESH_FORMATS, export_mesh

VERTICES_CAM = torch.tensor([[0.0, -1.0, 3.0], [1.0, 1.0, 3.0], [-1.0, 1.0, 3.0], [0.0, 0.0, 4.0]])
FACES = torch.tensor([[0, 1, 2], [0, 3, 1], [1, 3, 2], [2, 3, 0]])


@pytest.mark.parametrize("kind", MESH_FORMATS)
def test_a_mesh_comes_back_upright_in_metres(tmp_path, kind):
    path = tmp_path / f"body.{kind}"
    export_mesh(path, VERTICES_CAM, FACES)
    loaded = trimesh.load_mesh(path, process=False)
    expected = VERTICES_CAM.numpy() * [1, -1, -1]  # the head, up in the image, is up in the file
    order = np.lexsort(loaded.vertices.T)
    np.testing.assert_allclose(loaded.vertices[order], expected[np.lexsort(expected.T)], atol=1e-6)
    assert len(loaded.faces) == 4
    assert loaded.volume == pytest.approx(trimesh.Trimesh(VERTICES_CAM.numpy(), FACES.numpy()).volume, rel=1e-5)


@pytest.mark.parametrize(("kind", "word"), [("obj", "\nvn "), ("ply", "property float nx"), ("glb", '"NORMAL"')])
def test_normals_come_with_it_so_that_it_is_shown_smooth(tmp_path, kind, word):
    path = tmp_path / f"body.{kind}"
    export_mesh(path, VERTICES_CAM, FACES.flip(1))  # counter-clockwise seen from outside
    assert word in path.read_bytes().decode(errors="replace").replace("double", "float")
    loaded = trimesh.load_mesh(path, process=False)
    middle = loaded.vertices.mean(0)
    assert ((loaded.vertices - middle) * loaded.vertex_normals).sum(1).min() > 0  # outwards


def test_a_glb_has_a_material_without_metal(tmp_path):
    export_mesh(tmp_path / "body.glb", VERTICES_CAM, FACES)
    content = (tmp_path / "body.glb").read_bytes()
    document = json.loads(content[20 : 20 + int.from_bytes(content[12:16], "little")])
    (material,) = document["materials"]
    assert material["pbrMetallicRoughness"]["metallicFactor"] == 0
    assert len(set(material["pbrMetallicRoughness"]["baseColorFactor"][:3])) > 1


def test_several_bodies_in_one_file(tmp_path):
    export_mesh(tmp_path / "two.ply", torch.stack([VERTICES_CAM, VERTICES_CAM + 2]), FACES)
    assert len(trimesh.load_mesh(tmp_path / "two.ply", process=False).vertices) == 8


def test_bad_input_is_named(tmp_path):
    with pytest.raises(ValueError, match=r"body\.stl: expected a name that ends in \.obj, \.ply, \.glb"):
        export_mesh(tmp_path / "body.stl", VERTICES_CAM, FACES)
    with pytest.raises(ValueError, match="not finite"):
        export_mesh(tmp_path / "body.glb", VERTICES_CAM * torch.nan, FACES)
