# /// script
# requires-python = "==3.11.*"
# dependencies = ["bpy==5.0.1", "numpy"]
# ///
"""Blender: every format in, ten poses by vertex, side and scale, the motion's frames, FBX out and back.

python counterparts/run.py blender
"""

import sys
from pathlib import Path

import bpy
import numpy as np
from verdict import farthest_mm, nearest_mm, say, truth

BLENDER = bpy.app.version_string
FROM_BLENDER = np.array([[1, 0, 0], [0, 0, 1], [0, -1, 0]])  # z up to y up


def tell(compared, difference, bar=0.1, unit="mm", note=""):
    say("Blender", compared, difference, bar, unit, version=BLENDER, note=note)


def empty_scene(frames_per_second=25):
    bpy.ops.wm.read_factory_settings(use_empty=True)
    bpy.context.scene.render.fps = int(frames_per_second)


def seen_mesh():
    """(V, 3) of the scene's largest mesh as it is shown: modifiers, shape keys and placement applied; y up."""
    depsgraph = bpy.context.evaluated_depsgraph_get()
    meshes = [one for one in bpy.context.scene.objects if one.type == "MESH"]
    found = max(meshes, key=lambda one: len(one.data.vertices)).evaluated_get(depsgraph)
    mesh = found.to_mesh()
    points = np.empty(3 * len(mesh.vertices), np.float32)
    mesh.vertices.foreach_get("co", points)
    points = points.reshape(-1, 3).astype(float)
    places = np.array(found.matrix_world)
    found.to_mesh_clear()
    return (points @ places[:3, :3].T + places[:3, 3]) @ FROM_BLENDER.T


def armature():
    (found,) = (one for one in bpy.context.scene.objects if one.type == "ARMATURE")
    return found


def joint_places(names):
    found = armature()
    heads = [found.matrix_world @ found.pose.bones[name].head for name in names]
    return np.array([list(head) for head in heads]) @ FROM_BLENDER.T


def motion_error(goal, compare=farthest_mm):
    worst = 0.0
    for number, vertices in enumerate(goal):
        bpy.context.scene.frame_set(number + first_frame())
        worst = max(worst, compare(seen_mesh(), vertices))
    return worst


def first_frame():
    actions = [action for action in bpy.data.actions if action.frame_range[1] > action.frame_range[0]]
    return round(min(action.frame_range[0] for action in actions))


def plain_meshes(folder, goal):
    readers = {"glb": bpy.ops.import_scene.gltf, "obj": bpy.ops.wm.obj_import, "ply": bpy.ops.wm.ply_import}
    for kind, read in readers.items():
        choices = {"forward_axis": "NEGATIVE_Z", "up_axis": "Y"} if kind == "ply" else {}
        worst = 0.0
        for number, vertices in enumerate(goal):
            empty_scene()
            read(filepath=str(folder / f"pose_{number}.{kind}"), **choices)
            worst = max(
                worst, nearest_mm(seen_mesh()[::37], vertices) if kind == "glb" else farthest_mm(seen_mesh(), vertices)
            )
        smooth = all(face.use_smooth for face in bpy.data.meshes[0].polygons)
        note = (
            "up axis Y, forward -Z chosen on import: PLY says no axes, and lies on its back without" if choices else ""
        )
        tell(f"{kind.upper()}, ten poses, vertices", worst, note=note)
        tell(f"{kind.upper()}, shown smooth", "yes" if smooth or (kind == "ply" and has_normals()) else "no", "yes")


def has_normals():
    return bool(bpy.data.meshes[0].has_custom_normals)


def rigged(folder, data):
    goal, fps = data["vertices"], float(data["frames_per_second"])
    worst = 0.0
    for number, vertices in enumerate(goal):
        empty_scene()
        bpy.ops.import_scene.gltf(filepath=str(folder / f"pose_{number}_rigged.glb"))
        worst = max(worst, farthest_mm(seen_mesh(), vertices))
    tell("skinned GLB, ten single poses, vertices", worst)
    empty_scene(fps)
    bpy.ops.import_scene.gltf(filepath=str(folder / "motion_rigged.glb"))
    tell("skinned GLB, motion of ten frames, vertices", motion_error(goal))
    joints = 0.0
    for number, places in enumerate(data["joints"]):
        bpy.context.scene.frame_set(number + first_frame())
        joints = max(joints, farthest_mm(joint_places(data["joint_names"]), places))
    tell("skinned GLB, motion, joints by name", joints)
    ends = {round(action.frame_range[1] - action.frame_range[0], 3) for action in bpy.data.actions}
    tell("skinned GLB, frames at 25 a second", f"{max(ends):g}", "9", note="set the scene to the file's rate first")
    left = joint_places(["left_wrist"])[0, 0] - joint_places(["right_wrist"])[0, 0]
    tell(
        "left hand at the person's left",
        "yes" if left * (data["joints"][-1, 20, 0] - data["joints"][-1, 21, 0]) > 0 else "no",
        "yes",
    )


def bone_directions(folder):
    for heuristic in ("BLENDER", "TEMPERANCE", "FORTUNE"):
        empty_scene()
        bpy.ops.import_scene.gltf(filepath=str(folder / "motion_rigged.glb"), bone_heuristic=heuristic)
        bone = armature().data.bones["left_hip"]
        towards = (armature().data.bones["left_knee"].head_local - bone.head_local).normalized()
        angle = np.rad2deg(np.arccos(np.clip((bone.tail_local - bone.head_local).normalized() @ towards, -1, 1)))
        tell(
            f"thigh bone's direction, import's Bone Dir {heuristic.title()}",
            float(angle),
            None,
            "degrees from the knee",
            note="only how bones are drawn; choose Temperance" if heuristic == "BLENDER" else "",
        )


def bvh(folder, data):
    empty_scene(float(data["frames_per_second"]))
    bpy.ops.import_anim.bvh(filepath=str(folder / "motion.bvh"), axis_forward="-Z", axis_up="Y", rotate_mode="NATIVE")
    worst = 0.0
    for number, places in enumerate(data["joints"]):
        bpy.context.scene.frame_set(number + 1)
        worst = max(worst, farthest_mm(joint_places(data["joint_names"]), places))
    tell("BVH, ten frames, joints", worst, 1.0)


def fbx(folder, data):
    empty_scene(float(data["frames_per_second"]))
    bpy.ops.import_scene.gltf(filepath=str(folder / "motion_rigged.glb"))
    path = folder / "from_blender.fbx"
    bpy.ops.export_scene.fbx(filepath=str(path), add_leaf_bones=False, bake_anim_simplify_factor=0.0)
    empty_scene(float(data["frames_per_second"]))
    bpy.ops.import_scene.fbx(filepath=str(path))
    tell("motion as FBX and back, vertices", motion_error(data["vertices"], sampled_nearest), 0.1)


def sampled_nearest(points, vertices):
    return nearest_mm(points[::37], vertices)


def amass(folder, data):
    """The file's turns and places set on the bones of the skinned GLB, as an add-on for SMPL does."""
    from mathutils import Matrix, Vector

    empty_scene()
    bpy.ops.import_scene.gltf(filepath=str(folder / "plain_rigged.glb"))
    for action in list(bpy.data.actions):
        bpy.data.actions.remove(action)
    found = armature()
    with np.load(folder / "amass.npz") as file:
        poses, trans = file["poses"], file["trans"]
    worst = 0.0
    for number in range(len(poses)):
        turns = [rotation(Matrix, Vector, turn) for turn in poses[number, :66].reshape(22, 3)]
        pelvis = found.pose.bones["pelvis"]
        for name, turn in zip(data["joint_names"][:22], turns, strict=True):
            bone = found.pose.bones[name]
            rest = bone.bone.matrix_local.to_3x3()
            from_body = Matrix(((1, 0, 0), (0, 0, -1), (0, 1, 0)))  # y up to z up
            # the root's turn leads from the body's frame to AMASS's, which is z up as Blender's
            own = turn @ from_body.inverted() if name == "pelvis" else from_body @ turn @ from_body.inverted()
            bone.rotation_mode = "QUATERNION"
            bone.rotation_quaternion = (rest.inverted() @ own @ rest).to_quaternion()
        at_rest = pelvis.bone.head_local
        body_rest = Vector((at_rest[0], at_rest[2], -at_rest[1]))  # z up to y up
        goal = Vector(trans[number]) + body_rest
        pelvis.location = pelvis.bone.matrix_local.to_3x3().inverted() @ (goal - at_rest)
        bpy.context.view_layer.update()
        places = joint_places(data["joint_names"][:22])
        worst = max(worst, farthest_mm(places, data["joints"][number, :22]))
    tell("AMASS npz on the GLB's bones, joints", worst, 1.0)


def rotation(matrix, vector, turn):
    angle = float(np.linalg.norm(turn))
    return matrix.Rotation(angle, 3, vector(turn / angle)) if angle > 0 else matrix.Identity(3)


if __name__ == "__main__":
    files = Path(sys.argv[1])
    known = truth(files)
    plain_meshes(files, known["vertices"])
    rigged(files, known)
    bone_directions(files)
    bvh(files, known)
    fbx(files, known)
    amass(files, known)
