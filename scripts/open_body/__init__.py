"""The parts of ``scripts/build_open_body.py``: one idea a file, in the order in which the build uses them.

source -> decimation -> rig (T-pose, Anny's deformation) -> population -> bodies -> shape_space -> joints -> landmarks
-> correctives (with smoothing) -> swelling -> writing; build puts them together.
"""
