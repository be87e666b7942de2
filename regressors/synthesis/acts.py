"""People who do what photographs are full of and recordings have little of: sports, dance, martial arts, yoga, riding.

Poses written down by hand as an animator would, each drawn with a spread about its angles. No person was recorded for
them, no picture was measured.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor

from ...body import axis_angle_to_matrix, matrix_to_axis_angle
from ...body.joint_sets import SMPL_JOINTS
from ...body.parameters import NUM_JOINTS


class Leg(NamedTuple):
    """Degrees: how far the thigh is raised, towards where (0 ahead, 90 outwards, 180 back), how far it is turned
    outwards about its own axis, and the bend of the knee."""

    raised: float = 4.0
    towards: float = 0.0
    turned: float = 5.0
    knee: float = 6.0


class Arm(NamedTuple):
    """Degrees: height above the shoulder (-90 hanging, 90 up), towards where (0 outwards, 90 ahead), how far the
    forearm is turned upwards about the upper arm, and the bend of the elbow."""

    height: float = -72.0
    towards: float = 20.0
    turned: float = 0.0
    elbow: float = 20.0


class Act(NamedTuple):
    """One pose; degrees. The pelvis is pitched forwards and rolled to the left; the trunk bends forwards, to the left
    and turns to the left; the head, too, bends and turns."""

    left_leg: Leg = Leg()
    right_leg: Leg = Leg()
    left_arm: Arm = Arm()
    right_arm: Arm = Arm()
    pelvis: tuple[float, float] = (0.0, 0.0)
    trunk: tuple[float, float, float] = (5.0, 0.0, 0.0)
    head: tuple[float, float] = (5.0, 0.0)


_GUARD = Arm(-50, 60, 60, 120)
_OUT, _UP, _AHEAD = Arm(0, 0, 0, 10), Arm(75, 30, 0, 15), Arm(0, 85, 0, 10)
_TAILOR = Leg(85, 55, 60, 130)
_PASSE = Leg(75, 65, 60, 115)

ACTS: dict[str, Act] = {
    # Kicks, punches, stances
    "guard": Act(Leg(20, 20, 10, 20), Leg(15, 160, 20, 25), _GUARD, _GUARD, (5, 0), (10, 0, -15)),
    "front kick": Act(Leg(8, 0, 5, 15), Leg(85, 5, 0, 15), _GUARD, _GUARD, (-12, 0)),
    "high kick": Act(Leg(10, 180, 10, 10), Leg(118, 15, 10, 8), _GUARD, Arm(-20, -10, 0, 25), (-20, 5)),
    "side kick": Act(Leg(20, 100, 20, 10), Leg(85, 85, 10, 10), _GUARD, Arm(-30, 0, 0, 30), (0, 35), (0, 15, -15)),
    "round kick": Act(Leg(15, 100, 30, 10), Leg(85, 65, 0, 45), _GUARD, Arm(-35, -20, 0, 20), (-5, 25), (0, 10, 25)),
    "back kick": Act(Leg(45, 0, 10, 20), Leg(45, 180, 10, 15), _GUARD, _GUARD, (45, 0), (20, 0, -20)),
    "knee strike": Act(Leg(8, 180, 5, 10), Leg(100, 5, 0, 110), _GUARD, _GUARD, (-8, 0)),
    "crane": Act(Leg(5, 0, 10, 8), Leg(90, 10, 0, 95), Arm(25, 5, 0, 35), Arm(25, 5, 0, 35)),
    "punch": Act(Leg(40, 10, 5, 45), Leg(25, 175, 20, 15), _GUARD, Arm(5, 85, 0, 8), (5, 0), (5, 0, 25)),
    "uppercut": Act(Leg(25, 10, 5, 30), Leg(15, 170, 20, 20), _GUARD, Arm(-10, 80, 80, 85), (0, 0), (0, -10, 30)),
    "horse stance": Act(Leg(62, 60, 55, 68), Leg(62, 60, 55, 68), _AHEAD, Arm(-60, -20, 0, 100), (5, 0)),
    "bow stance": Act(Leg(70, 10, 5, 78), Leg(28, 170, 25, 8), Arm(10, 70, 0, 20), Arm(0, -15, 0, 15)),
    "low stance": Act(Leg(105, 45, 45, 120), Leg(60, 85, 25, 5), _GUARD, Arm(-10, 10, 0, 10), (15, 0), (10, 0, -20)),
    "sword": Act(Leg(65, 10, 5, 70), Leg(30, 165, 25, 10), Arm(20, -20, 30, 40), Arm(5, 80, 0, 10), (5, 0), (5, 0, 20)),
    "block": Act(Leg(30, 15, 10, 35), Leg(20, 165, 20, 20), Arm(45, 50, 40, 85), Arm(-40, 40, 0, 70)),
    # Dance and gymnastics
    "arabesque": Act(Leg(30, 0, 25, 3), Leg(75, 180, 20, 6), Arm(15, 75, 0, 8), Arm(5, -10, 0, 8), (30, 0), (-25, 0, 0)),
    "attitude": Act(Leg(20, 0, 30, 3), Leg(65, 165, 35, 65), _UP, Arm(10, 10, 0, 20), (20, 0), (-20, 0, 0)),
    "passe, arms round": Act(Leg(3, 0, 30, 3), _PASSE, Arm(-15, 55, 15, 55), Arm(-15, 55, 15, 55)),
    "passe, arms up": Act(Leg(3, 0, 25, 3), _PASSE, Arm(70, 45, 0, 40), Arm(70, 45, 0, 40)),
    "grand battement": Act(Leg(5, 0, 30, 3), Leg(105, 75, 50, 4), Arm(10, 10, 0, 15), Arm(65, 40, 0, 35), (-8, 10)),
    "plie": Act(Leg(55, 65, 60, 80), Leg(55, 65, 60, 80), Arm(-20, 30, 0, 25), Arm(-20, 30, 0, 25)),
    "leap": Act(Leg(80, 5, 10, 8), Leg(70, 175, 15, 15), Arm(20, 60, 0, 10), Arm(10, 0, 0, 10), (5, 0), (-10, 0, 0)),
    "front split": Act(Leg(88, 5, 10, 4), Leg(78, 178, 10, 8), _OUT, _OUT),
    "side split": Act(Leg(82, 85, 60, 4), Leg(82, 85, 60, 4), _AHEAD, _AHEAD, (10, 0), (20, 0, 0)),
    "star jump": Act(Leg(38, 90, 15, 5), Leg(38, 90, 15, 5), Arm(38, 5, 0, 8), Arm(38, 5, 0, 8)),
    "tuck jump": Act(Leg(105, 8, 0, 115), Leg(105, 8, 0, 115), Arm(-10, 60, 0, 30), Arm(-10, 60, 0, 30), (10, 0)),
    "swing dance": Act(Leg(35, 30, 10, 50), Leg(20, 150, 15, 30), Arm(5, 40, 20, 60), Arm(-30, -15, 0, 40), (8, 0), (5, 10, 20)),
    "disco": Act(Leg(12, 50, 15, 10), Leg(25, 40, 15, 35), Arm(50, 10, 0, 8), Arm(-60, -25, 0, 90), (0, -8), (0, 10, -10)),
    "pose, arms up": Act(Leg(10, 170, 20, 8), Leg(20, 20, 15, 25), Arm(65, 20, 0, 30), Arm(60, 10, 0, 45), (0, 0), (-12, 10, 10)),
    "backbend": Act(Leg(18, 180, 10, 35), Leg(18, 180, 10, 35), Arm(80, 40, 0, 15), Arm(80, 40, 0, 15), (-15, 0), (-50, 0, 0), (-30, 0)),
    "floor pose": Act(Leg(95, 30, 20, 110), Leg(40, 160, 15, 70), Arm(-50, -30, 0, 10), Arm(40, 20, 0, 20), (-10, 15), (0, -15, 20)),
    "cartwheel": Act(Leg(50, 85, 20, 4), Leg(50, 85, 20, 4), Arm(70, 15, 0, 6), Arm(70, 15, 0, 6), (0, 110), (0, 10, 0)),
    "handstand": Act(Leg(5, 0, 5, 5), Leg(10, 180, 5, 8), Arm(85, 50, 0, 5), Arm(85, 50, 0, 5), (180, 0), (-5, 0, 0)),
    # Yoga and exercise
    "warrior I": Act(Leg(78, 5, 5, 82), Leg(40, 172, 25, 5), Arm(80, 40, 0, 8), Arm(80, 40, 0, 8)),
    "warrior II": Act(Leg(76, 60, 60, 82), Leg(48, 95, 20, 4), _OUT, _OUT, (0, 0), (0, 0, 0), (0, 60)),
    "warrior III": Act(Leg(80, 0, 5, 4), Leg(6, 180, 5, 4), Arm(80, 60, 0, 6), Arm(80, 60, 0, 6), (80, 0), (0, 0, 0)),
    "triangle": Act(Leg(70, 90, 60, 4), Leg(12, -90, 10, 4), _OUT, _OUT, (0, 45), (0, 25, 0)),
    "tree": Act(Leg(3, 0, 5, 3), Leg(70, 70, 65, 125), Arm(78, 50, 0, 25), Arm(78, 50, 0, 25)),
    "down dog": Act(Leg(95, 5, 5, 10), Leg(95, 5, 5, 10), Arm(80, 60, 0, 6), Arm(80, 60, 0, 6), (130, 0), (0, 0, 0)),
    "plank": Act(Leg(8, 0, 5, 4), Leg(8, 0, 5, 4), Arm(0, 88, 0, 6), Arm(0, 88, 0, 6), (78, 0), (0, 0, 0), (-20, 0)),
    "low push-up": Act(Leg(5, 0, 5, 4), Leg(5, 0, 5, 4), Arm(-25, 10, -70, 95), Arm(-25, 10, -70, 95), (85, 0), (0, 0, 0)),
    "all fours": Act(Leg(88, 5, 5, 90), Leg(88, 5, 5, 90), _AHEAD, _AHEAD, (88, 0), (5, 0, 0), (-20, 0)),
    "boat": Act(Leg(85, 5, 0, 8), Leg(85, 5, 0, 8), Arm(-20, 80, 0, 8), Arm(-20, 80, 0, 8), (-40, 0), (10, 0, 0)),
    "tailor's seat": Act(_TAILOR, _TAILOR, Arm(-50, 45, 20, 55), Arm(-50, 45, 20, 55), (-5, 0), (15, 0, 0)),
    "toe touch": Act(Leg(75, 0, 5, 6), Leg(75, 0, 5, 6), Arm(10, 85, 0, 8), Arm(10, 85, 0, 8), (70, 0), (45, 0, 0)),
    "deep squat": Act(Leg(118, 25, 20, 128), Leg(118, 25, 20, 128), Arm(-30, 75, 0, 40), Arm(-30, 75, 0, 40), (20, 0), (25, 0, 0)),
    "half squat": Act(Leg(80, 20, 15, 90), Leg(80, 20, 15, 90), _AHEAD, _AHEAD, (30, 0), (10, 0, 0)),
    "lunge": Act(Leg(85, 5, 5, 88), Leg(12, 180, 5, 85), Arm(-60, -20, 0, 90), Arm(-60, -20, 0, 90)),
    "side lunge": Act(Leg(78, 40, 35, 100), Leg(45, 90, 15, 4), _AHEAD, _AHEAD, (25, 0), (10, 0, 0)),
    "toe touch across": Act(Leg(65, 60, 10, 5), Leg(65, 60, 10, 5), Arm(25, 0, 0, 5), Arm(5, 70, 0, 5), (55, 0), (30, 0, 40)),
    "arm circles": Act(left_arm=Arm(40, -20, 0, 8), right_arm=Arm(-30, 70, 0, 8)),
    "side bend": Act(Leg(15, 90, 10, 4), Leg(15, 90, 10, 4), Arm(-60, 10, 0, 20), Arm(80, 20, 0, 25), (0, 8), (0, 30, 0)),
    "twist": Act(Leg(18, 80, 10, 10), Leg(18, 80, 10, 10), Arm(-5, 20, 0, 60), Arm(-5, 70, 0, 60), (0, 0), (0, 0, 45)),
    "sit-up": Act(Leg(60, 5, 5, 90), Leg(60, 5, 5, 90), Arm(20, 10, 80, 130), Arm(20, 10, 80, 130), (-65, 0), (35, 0, 0)),
    # Sports with a ball, a racket, a board
    "serve": Act(Leg(15, 20, 15, 25), Leg(20, 150, 20, 35), Arm(65, 50, 0, 8), Arm(30, -20, 70, 95), (0, 5), (-18, 12, -20), (-25, 0)),
    "smash": Act(Leg(15, 160, 15, 20), Leg(30, 30, 10, 40), Arm(0, 60, 0, 40), Arm(65, 20, 30, 30), (0, 8), (-5, 15, 10), (-20, 0)),
    "forehand": Act(Leg(40, 45, 20, 50), Leg(30, 130, 25, 40), Arm(0, 75, 0, 30), Arm(-15, -15, 0, 30), (12, 0), (8, 0, -35)),
    "forehand, after": Act(Leg(40, 20, 15, 45), Leg(20, 160, 20, 30), Arm(-30, 30, 0, 70), Arm(20, 115, 30, 75), (8, 0), (5, 0, 35)),
    "backhand": Act(Leg(35, 130, 25, 40), Leg(45, 40, 15, 50), Arm(-20, 60, 0, 60), Arm(-20, 115, 0, 45), (12, 0), (10, 0, 45)),
    "bat": Act(Leg(35, 60, 30, 35), Leg(35, 60, 30, 40), Arm(0, 105, 30, 60), Arm(-5, 45, 40, 110), (15, 0), (10, 0, -35)),
    "bat, after": Act(Leg(30, 60, 10, 15), Leg(35, 130, 0, 45), Arm(15, 20, 40, 70), Arm(10, 115, 30, 70), (5, 0), (0, 0, 50)),
    "pitch": Act(Leg(70, 15, 5, 65), Leg(30, 165, 30, 20), Arm(0, 70, 0, 40), Arm(20, -25, 80, 90), (5, 0), (0, 5, -30)),
    "wind-up": Act(Leg(95, 20, -5, 95), Leg(8, 0, 15, 10), Arm(-25, 75, 20, 95), Arm(-25, 75, 20, 95), (-5, 0), (0, 0, -25)),
    "throw a disc": Act(Leg(15, 130, 20, 15), Leg(50, 40, 15, 50), Arm(-25, -10, 0, 20), Arm(-5, 115, 0, 75), (12, 0), (8, 0, 45)),
    "catch": Act(Leg(15, 20, 10, 20), Leg(25, 30, 10, 30), Arm(50, 65, 30, 35), Arm(50, 65, 30, 35), (0, 0), (-5, 0, 0), (-20, 0)),
    "reach up": Act(Leg(10, 180, 5, 15), Leg(20, 160, 10, 40), Arm(-30, 10, 0, 40), Arm(78, 45, 0, 8), (0, 8), (-5, 12, 0), (-20, 0)),
    "ball kick, before": Act(Leg(25, 0, 10, 30), Leg(42, 175, 15, 85), Arm(10, 20, 0, 15), Arm(-20, -30, 0, 20), (10, 8), (0, 5, -20)),
    "ball kick, after": Act(Leg(12, 180, 10, 12), Leg(68, -10, 5, 12), Arm(0, 60, 0, 20), Arm(-10, -30, 0, 15), (-12, 10), (10, 0, 20)),
    "shot": Act(Leg(20, 10, 5, 30), Leg(20, 10, 5, 30), Arm(35, 75, 40, 80), Arm(40, 70, 70, 85), (0, 0), (0, 0, 0), (-10, 0)),
    "dribble": Act(Leg(50, 25, 10, 55), Leg(40, 150, 15, 45), Arm(-30, 45, 0, 50), Arm(-45, 55, -10, 50), (28, 0), (15, 0, 10)),
    "dig": Act(Leg(75, 25, 15, 85), Leg(70, 25, 15, 85), Arm(-30, 95, 0, 5), Arm(-30, 95, 0, 5), (35, 0), (10, 0, 0)),
    "golf, top": Act(Leg(30, 25, 10, 30), Leg(30, 30, 15, 20), Arm(25, 115, 10, 15), Arm(15, 40, 60, 95), (28, 0), (10, 0, -45)),
    "golf, end": Act(Leg(5, 60, 10, 5), Leg(15, 150, -20, 45), Arm(30, 20, 50, 95), Arm(25, 110, 20, 50), (0, 0), (-10, 0, 50)),
    "bowl": Act(Leg(75, 5, 5, 80), Leg(35, 165, 20, 45), Arm(-10, 0, 0, 15), Arm(-40, 80, 0, 5), (40, 0), (15, 0, 10)),
    "surf": Act(Leg(65, 55, 35, 70), Leg(70, 50, 25, 80), Arm(5, 15, 0, 15), Arm(0, 25, 0, 25), (25, 0), (15, 0, 30), (0, 40)),
    "skate": Act(Leg(45, 50, 30, 50), Leg(45, 50, 20, 55), Arm(-15, 5, 0, 25), Arm(-15, 5, 0, 25), (15, 0), (15, 0, 25), (0, 30)),
    "grab": Act(Leg(100, 45, 25, 110), Leg(100, 40, 15, 110), Arm(35, 0, 0, 15), Arm(-55, 40, 0, 15), (25, -10), (30, -15, 10)),
    "ski": Act(Leg(50, 10, 5, 55), Leg(50, 10, 5, 55), Arm(-45, 55, 0, 60), Arm(-45, 55, 0, 60), (25, 0), (20, 0, 0)),
    "ski, tuck": Act(Leg(92, 8, 5, 88), Leg(92, 8, 5, 88), Arm(-20, 85, 20, 95), Arm(-20, 85, 20, 95), (52, 0), (30, 0, 0), (-30, 0)),
    "stride on skis": Act(Leg(45, 0, 5, 40), Leg(25, 175, 10, 20), Arm(-45, -60, 0, 15), Arm(-5, 85, 0, 40), (28, 0), (15, 0, 15)),
    "sprint": Act(Leg(80, 0, 0, 90), Leg(22, 180, 5, 35), Arm(-50, -60, 0, 85), Arm(-30, 75, 0, 90), (12, 0), (8, 0, 15)),
    "hurdle": Act(Leg(95, 5, 5, 12), Leg(75, 85, 10, 95), Arm(-30, -40, 0, 60), Arm(0, 85, 0, 15), (30, 0), (25, 0, 15)),
    "start": Act(Leg(105, 5, 5, 95), Leg(70, 5, 5, 75), Arm(-5, 88, 0, 5), Arm(-5, 88, 0, 5), (75, 0), (20, 0, 0), (-15, 0)),
    "swim": Act(Leg(10, 180, 10, 15), Leg(15, 0, 10, 20), Arm(75, 50, 0, 10), Arm(-75, 30, 0, 20), (85, 15), (-5, 0, 20)),
    "climb": Act(Leg(85, 45, 35, 95), Leg(15, 20, 15, 15), Arm(60, 45, 30, 50), Arm(75, 45, 10, 15), (5, 0), (0, 0, 10), (-20, 0)),
    # Riding, work, leisure
    "bicycle": Act(Leg(95, 5, 0, 95), Leg(58, 5, 0, 35), Arm(-15, 85, 0, 15), Arm(-15, 85, 0, 15), (38, 0), (20, 0, 0), (-25, 0)),
    "motorcycle": Act(Leg(78, 25, 10, 90), Leg(78, 25, 10, 90), Arm(-28, 78, 0, 30), Arm(-28, 78, 0, 30), (12, 0), (12, 0, 0)),
    "horse": Act(Leg(58, 45, 30, 75), Leg(58, 45, 30, 75), Arm(-60, 65, 0, 75), Arm(-60, 65, 0, 75)),
    "jockey": Act(Leg(100, 30, 15, 105), Leg(100, 30, 15, 105), Arm(-30, 85, 0, 60), Arm(-30, 85, 0, 60), (55, 0), (15, 0, 0), (-30, 0)),
    "kneel": Act(Leg(5, 10, 5, 95), Leg(5, 10, 5, 95)),
    "one knee": Act(Leg(88, 8, 5, 90), Leg(5, 180, 5, 90), Arm(-50, 60, 0, 60), Arm(-65, 30, 0, 40)),
    "on the heels": Act(Leg(75, 10, 5, 150), Leg(75, 10, 5, 150), Arm(-60, 55, 0, 50), Arm(-60, 55, 0, 50), (0, 0), (10, 0, 0)),
    "floor, legs long": Act(Leg(88, 15, 10, 12), Leg(88, 10, 10, 25), Arm(-50, -55, 0, 8), Arm(-55, -45, 0, 8), (-18, 0), (10, 0, 0)),
    "floor, knees up": Act(Leg(105, 8, 5, 105), Leg(105, 8, 5, 105), Arm(-25, 78, 0, 40), Arm(-25, 78, 0, 40), (-10, 0), (25, 0, 0)),
    "crossed knee": Act(Leg(92, 0, 0, 80), Leg(100, -20, -5, 85), Arm(-55, 45, 0, 60), Arm(-55, 45, 0, 60), (-8, 0), (12, 0, 0)),
    "slouch": Act(Leg(75, 15, 10, 80), Leg(75, 15, 10, 80), Arm(-60, 30, 0, 50), Arm(-60, 30, 0, 50), (-28, 0), (28, 0, 0), (15, 0)),
    "at a table": Act(Leg(90, 12, 5, 92), Leg(90, 12, 5, 92), Arm(-40, 60, 10, 85), Arm(-40, 60, 10, 85), (0, 0), (18, 0, 0), (12, 0)),
    "lean on a table": Act(Leg(40, 10, 5, 15), Leg(35, 10, 5, 10), Arm(-15, 80, 0, 12), Arm(-15, 80, 0, 12), (38, 0), (12, 0, 0)),
    "bend and pick": Act(Leg(85, 8, 5, 45), Leg(80, 8, 5, 45), Arm(0, 85, 0, 12), Arm(-30, 50, 0, 30), (60, 0), (35, 0, 10)),
    "lift": Act(Leg(80, 25, 15, 85), Leg(80, 25, 15, 85), Arm(-25, 85, 0, 15), Arm(-25, 85, 0, 15), (45, 0), (20, 0, 0)),
    "carry": Act(left_arm=Arm(-60, 60, 10, 80), right_arm=Arm(-60, 60, 10, 80), trunk=(-5, 0, 0)),
    "telephone": Act(right_arm=Arm(-50, 45, 40, 135), head=(5, -10)),
    "take a picture": Act(left_arm=Arm(-30, 60, 60, 110), right_arm=Arm(-30, 60, 60, 110)),
    "hands on hips": Act(Leg(10, 60, 15, 5), Leg(10, 60, 15, 5), Arm(-50, -15, -30, 95), Arm(-50, -15, -30, 95)),
    "hands behind the head": Act(left_arm=Arm(15, 5, 85, 130), right_arm=Arm(15, 5, 85, 130)),
    "arms crossed": Act(left_arm=Arm(-65, 40, -70, 100), right_arm=Arm(-65, 40, -70, 105)),
    "wave": Act(right_arm=Arm(15, 15, 80, 60)),
    "cheer": Act(left_arm=Arm(60, 20, 20, 25), right_arm=Arm(60, 20, 20, 25), trunk=(-8, 0, 0), head=(-15, 0)),
    "umbrella": Act(right_arm=Arm(-50, 50, 50, 110)),
    "point": Act(right_arm=Arm(5, 65, 0, 6), trunk=(0, 0, 10)),
    "on the back": Act(Leg(15, 30, 20, 20), Leg(45, 25, 15, 70), Arm(-40, 10, 0, 30), Arm(30, 10, 60, 90), (-88, 0)),
    "on the side": Act(Leg(55, 10, 5, 70), Leg(30, 10, 5, 40), Arm(0, 80, 0, 60), Arm(-60, 40, 0, 40), (0, 85), (10, 15, 0)),
    "on the belly": Act(Leg(5, 180, 15, 10), Leg(8, 40, 25, 40), Arm(30, 60, 30, 100), Arm(20, 50, 40, 110), (86, 0), (-15, 0, 0), (-20, 30)),
}  # fmt: skip

LEG_SPREAD_DEG, ARM_SPREAD_DEG = (12.0, 15.0, 10.0, 12.0), (15.0, 20.0, 25.0, 18.0)
TRUNK_SPREAD_DEG, REST_SPREAD_DEG = (8.0, 6.0, 10.0), (8.0, 8.0)
"""Standard deviations about the angles of `Leg`, `Arm`, the trunk, and (rest) of pelvis and head."""
OTHER_ARMS = 0.35  # share of the people whose arms are another act's
COLLAR_SHARE = 0.2  # of the upper arm's swing, as `scripts/motion/retarget.py` makes the library's
_KNEE_DEG, _ELBOW_DEG = (0.0, 150.0), (2.0, 150.0)  # least and most bend


def row_of(act: Act) -> list[float]:
    """The 23 angles of an act, degrees, in the order that `pose_of` takes."""
    return [*act.left_leg, *act.right_leg, *act.left_arm, *act.right_arm, *act.pelvis, *act.trunk, *act.head]


_TABLE = torch.tensor([row_of(act) for act in ACTS.values()])  # (A, 23) degrees
_SPREAD = torch.tensor(2 * LEG_SPREAD_DEG + 2 * ARM_SPREAD_DEG + REST_SPREAD_DEG + TRUNK_SPREAD_DEG + REST_SPREAD_DEG)
_LEGS, _ARMS, _PELVIS, _TRUNK, _HEAD = (
    (slice(0, 4), slice(4, 8)),
    (slice(8, 12), slice(12, 16)),
    slice(16, 18),
    slice(18, 21),
    slice(21, 23),
)


def acting_poses(count: int, generator: torch.Generator) -> Tensor:
    """(B, 72) poses of people at `ACTS`, facing +z in a world with y up; half of them mirrored.

    Args:
        count: B.
        generator: on the CPU; everything random comes from it.
    """
    which = torch.randint(len(ACTS), (2, count), generator=generator)
    angles, others = _TABLE[which[0]], _TABLE[which[1]]
    swapped = (torch.rand(count, 1, generator=generator) < OTHER_ARMS).expand(-1, 8)
    arms = slice(_ARMS[0].start, _ARMS[1].stop)
    angles[:, arms] = torch.where(swapped, others[:, arms], angles[:, arms])
    angles = angles + _SPREAD * torch.randn(angles.shape, generator=generator)
    mirrored = torch.rand(count, 1, generator=generator) < 0.5
    return pose_of(torch.where(mirrored, _mirrored(angles), angles))


def pose_of(angles: Tensor) -> Tensor:
    """(B, 72) axis-angle of angles (B, 23), degrees, in the order of `Act`."""
    turns = torch.eye(3).repeat(len(angles), NUM_JOINTS, 1, 1)

    def put(name: str, turn: Tensor) -> None:
        turns[:, SMPL_JOINTS.index(name)] = turn

    pitch, roll = angles[:, _PELVIS].unbind(1)
    put("pelvis", _about("z", -roll) @ _about("x", pitch))
    bend, side, twist = (angles[:, _TRUNK] / 3).unbind(1)
    for name in ("spine1", "spine2", "spine3"):
        put(name, _about("y", twist) @ _about("z", -side) @ _about("x", bend))
    nod, look = (angles[:, _HEAD] / 2).unbind(1)
    for name in ("neck", "head"):
        put(name, _about("y", look) @ _about("x", nod))
    for side_name, sign, leg, arm in (("left", 1.0, *_sides(0)), ("right", -1.0, *_sides(1))):
        raised, towards, turned, knee = angles[:, leg].unbind(1)
        swing = _about("y", sign * towards) @ _about("x", -raised) @ _about("y", -sign * towards)
        put(f"{side_name}_hip", swing @ _about("y", sign * turned))
        put(f"{side_name}_knee", _about("x", knee.clamp(*_KNEE_DEG)))
        height, towards, turned, elbow = angles[:, arm].unbind(1)
        collar, upper = _arm(height, towards, turned, sign)
        put(f"{side_name}_collar", collar)
        put(f"{side_name}_shoulder", upper)
        put(f"{side_name}_elbow", _about("y", -sign * elbow.clamp(*_ELBOW_DEG)))
    return matrix_to_axis_angle(turns).flatten(1)


def _sides(side: int) -> tuple[slice, slice]:
    return _LEGS[side], _ARMS[side]


def _arm(height: Tensor, towards: Tensor, turned: Tensor, sign: float) -> tuple[Tensor, Tensor]:
    """(B, 3, 3) turns of the collar and, against it, of the upper arm."""
    up, ahead = torch.deg2rad(height.clamp(-89, 89)), torch.deg2rad(towards)
    to = torch.stack((sign * up.cos() * ahead.cos(), up.sin(), up.cos() * ahead.sin()), 1)
    rest = torch.tensor([sign, 0.0, 0.0])
    axis = torch.linalg.cross(rest.expand_as(to), to)
    swing = torch.nn.functional.normalize(axis, dim=1) * torch.atan2(axis.norm(dim=1), to @ rest)[:, None]
    collar = axis_angle_to_matrix(COLLAR_SHARE * swing)
    return collar, collar.mT @ axis_angle_to_matrix(swing) @ _about("x", -turned)


def _about(axis: str, angle_deg: Tensor) -> Tensor:
    """(B, 3, 3) rotations by (B,) degrees about an axis."""
    turn = torch.zeros(len(angle_deg), 3)
    turn[:, "xyz".index(axis)] = angle_deg * (math.pi / 180)
    return axis_angle_to_matrix(turn)


def _mirrored(angles: Tensor) -> Tensor:
    """Angles (B, 23) of the mirror image."""
    order = [*range(4, 8), *range(4), *range(12, 16), *range(8, 12), *range(16, 23)]
    signs = torch.ones(23)
    signs[[17, 19, 20, 22]] = -1.0
    return angles[:, order] * signs
