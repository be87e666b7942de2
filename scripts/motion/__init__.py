"""Reading motion capture files and turning them into SMPL poses: what `build_pose_library.py` is made of."""
