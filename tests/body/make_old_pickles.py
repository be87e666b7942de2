"""Write tests/body/old_pickles.zip: files as Python 2, and Python 3 with chumpy, write them.

Run once by each interpreter, the archive deleted first (members are added to it):

    python2.7 make_old_pickles.py    # numpy 1.16.6, scipy 1.2.3, chumpy 0.69
    python3.8 make_old_pickles.py    # numpy 1.23.5, scipy 1.10.1, chumpy 0.70

A member is called ``python2.7/protocol0/body.pkl``. All entries are fractions of small whole numbers, which repeat
themselves: equal to the bit wherever they are made, and small when compressed. The tests import this file to know what
the members hold, so it is written in what both Pythons read.
"""

import os
import sys
import zipfile

import numpy as np

ZIP = os.path.join(os.path.dirname(os.path.abspath(__file__)), "old_pickles.zip")
NUM_BETAS = 300
_VERTICES = 3
_SPARSE = ("csc_matrix", "csr_matrix", "coo_matrix", "csc_array", "csr_array", "coo_array")


def _fractions(*shape):
    """Numbers in -0.5..0.5 whose bytes take many values."""
    return ((np.arange(np.prod(shape)) * 37 % 101) / 101.0 - 0.5).reshape(shape)


def body_arrays():
    """A body of three vertices and 300 betas, keys and types as in SMPL 1.1.0."""
    parents = [4294967295, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 9, 9, 12, 13, 14, 16, 17, 18, 19, 20, 21]
    regressor = np.zeros((24, _VERTICES))
    regressor[np.arange(24), np.arange(24) % _VERTICES] = 1.0
    return {
        "v_template": _fractions(_VERTICES, 3),
        "shapedirs": _fractions(_VERTICES, 3, NUM_BETAS),
        "posedirs": _fractions(_VERTICES, 3, 207),
        "weights": np.full((_VERTICES, 24), 1 / 24.0),
        "J_regressor": regressor,
        "kintree_table": np.array([parents, range(24)], dtype=np.uint32),
        "f": np.array([[0, 1, 2], [2, 1, 0]], dtype=np.uint32),
        "J": regressor.dot(_fractions(_VERTICES, 3)),
    }


def prior_arrays():
    """A pose prior as SMPLify's gmm_08.pkl holds it, of two components."""
    covariances = np.stack([np.eye(69) * variance for variance in (0.5, 2.0)])
    return {"means": _fractions(2, 69), "covars": covariances, "weights": np.array([0.25, 0.75])}


def result_arrays():
    """What SMPLify's fit_3d.py writes for an image."""
    return {
        "cam_t": np.array([0.1, -0.2, 30.0]),
        "f": np.array([5000.0, 5000.0]),
        "pose": _fractions(72),
        "betas": _fractions(10),
    }


def odd_values():
    """Whatever else is met: types, memory orders and texts, each as plain numpy or Python reads it back."""
    values = {
        "every byte": np.arange(256, dtype=np.uint8),
        "big endian": np.arange(5, dtype=">i4"),
        "columns": np.asfortranarray(_fractions(3, 4)),
        "turned": _fractions(2, 3, 4).transpose(1, 0, 2),
        "empty": np.zeros((0, 3)),
        "matrix": np.eye(2) * 3,
        "texts": np.array(["nose", "ear"]),
        "single": np.float32(0.25),
        "whole": 10**20,
        "true": True,
        "quotes": "'\"\\\n\t\x00\xff",
        "unicode": b"\xc3\xa9\\".decode("utf-8"),
        "names": {"a", "b"},
        "nested": [(1, 2.5, None), {"deep": [-1]}],
        "objects": [1, "x", None],
        "selected": _fractions(2, 3, 4)[:, ::-1, :2],
    }
    values.update((name, np.triu(_fractions(3, 4))) for name in _SPARSE)
    return values


def _contents():
    """As the arrays above, in the objects that the old programs wrote."""
    import chumpy  # type: ignore[import-not-found]
    from scipy import sparse

    body = dict(body_arrays(), bs_type="lrotmin", bs_style="lbs")
    for key in ("shapedirs", "posedirs", "J"):
        body[key] = chumpy.array(body[key])
    body["v_template"] = chumpy.array(body["v_template"][::-1])[::-1]
    body["J_regressor"] = sparse.csc_matrix(body["J_regressor"])
    odd = odd_values()
    for name in _SPARSE:  # the arrays came with scipy 1.8: before, a second matrix
        odd[name] = getattr(sparse, name, getattr(sparse, name[:3] + "_matrix"))(odd[name])
    odd["matrix"] = np.matrix(odd["matrix"])
    odd["objects"] = np.array(odd["objects"], dtype=object)
    odd["selected"] = chumpy.array(_fractions(2, 3, 4))[:, ::-1, :2]
    if not isinstance(body["v_template"], chumpy.reordering.Select):
        raise TypeError("chumpy no longer selects by chumpy.reordering.Select")
    return {"body": body, "prior": prior_arrays(), "result": result_arrays(), "odd": odd}


def main():
    pickle = __import__("cPickle" if sys.version_info[0] == 2 else "pickle")
    python = "python" + ".".join(str(part) for part in sys.version_info[:2])
    with zipfile.ZipFile(ZIP, "a", zipfile.ZIP_DEFLATED) as archive:
        for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
            for name, content in sorted(_contents().items()):
                member = zipfile.ZipInfo(python + "/protocol" + str(protocol) + "/" + name + ".pkl")
                member.compress_type = zipfile.ZIP_DEFLATED
                archive.writestr(member, pickle.dumps(content, protocol))


if __name__ == "__main__":
    main()
