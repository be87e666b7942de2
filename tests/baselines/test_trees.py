import numpy as np
import pytest

from anchorfit_baselines.trees import RegressionForest

ensemble = pytest.importorskip("sklearn.ensemble")


def table(rows: int, outputs: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Features with gaps, and targets that depend on them and on the gaps."""
    rng = np.random.default_rng(seed)
    features = rng.normal(size=(rows, 6)).astype(np.float32)
    targets = np.stack([features[:, i] * features[:, i + 1] for i in range(outputs)], 1)
    gaps = rng.random(features.shape) < 0.2
    targets[:, 0] += gaps[:, 2]
    features[gaps] = np.nan
    return features, targets.astype(np.float64)


@pytest.mark.parametrize("outputs", [1, 3])
def test_it_answers_as_scikit_learn_does(outputs):
    features, targets = table(300, outputs, seed=0)
    ours = RegressionForest.grown(features, targets, trees=4, leaf=3, seed=5)
    theirs = ensemble.RandomForestRegressor(4, min_samples_leaf=3, max_features=1 / 3, random_state=5)
    theirs.fit(features, targets.squeeze())
    others, _ = table(200, outputs, seed=1)
    others[0] = np.nan
    others[1, 0] = np.inf
    expected = theirs.predict(np.where(np.isinf(others), np.float32(1e30), others)).reshape(len(others), -1)
    np.testing.assert_allclose(ours.predict(others), expected, atol=1e-6)  # leaves are float32
    np.testing.assert_array_equal(ours.predict(others[7:9]), ours.predict(others)[7:9])


def test_what_it_is_comes_back():
    features, targets = table(50, 2, seed=0)
    forest = RegressionForest.grown(features, targets, trees=2, leaf=1, seed=0)
    again = RegressionForest.restored(forest.state())
    np.testing.assert_array_equal(forest.predict(features), again.predict(features))


def test_a_single_leaf():
    features = np.zeros((3, 1), np.float32)
    forest = RegressionForest.grown(features, np.full((3, 2), 7.0), trees=2, leaf=3, seed=0)
    np.testing.assert_array_equal(forest.predict(features), np.full((3, 2), 7.0))
