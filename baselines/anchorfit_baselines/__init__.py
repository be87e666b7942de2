"""The systems that Pavlakos et al. 2018 compare with, written afresh from their papers; `docs/baselines.md` lists them.

Each has ``name``, ``train(body, ..., seed=...)`` and ``estimate(observations, body) -> Answer``.
"""
