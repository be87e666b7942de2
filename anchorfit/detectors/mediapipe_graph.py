"""MediaPipe's pose networks as they lie in the wheel of 0.10.21 and before, for several people in one picture.

MediaPipe's own Pose solution follows one person. Its graph is made of two parts that take more: a detection network,
which finds the hips and the size of every person in a square of 224 pixels, and a landmark network, which looks at one
turned square around a person. Here the first looks through overlapping windows, the second at each person it found, and
a second time at the square that its own landmarks give (as MediaPipe does from frame to frame). Where that fails, the
detection network was mistaken in how the person leans, most often, and an upright square is tried.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from ..observations.people import PeopleFile, Person
from .blazepose import finished, person_from_landmarks
from .mediapipe_package import loading, release
from .quiet import quiet
from .search import Search
from .squares import Square, distinct
from .suppression import suppress
from .windows import windows

_DETECT = """
input_stream: "image"
output_stream: "detections"
node { calculator: "PoseDetectionCpu" input_stream: "IMAGE:image" output_stream: "DETECTIONS:detections" }
"""
_LANDMARKS = """
input_stream: "image"
input_stream: "roi"
input_side_packet: "segment"
output_stream: "landmarks"
output_stream: "auxiliary"
output_stream: "mask"
node {
  calculator: "PoseLandmarkByRoiCpu"
  input_side_packet: "ENABLE_SEGMENTATION:segment"
  input_stream: "IMAGE:image"
  input_stream: "ROI:roi"
  output_stream: "LANDMARKS:landmarks"
  output_stream: "AUXILIARY_LANDMARKS:auxiliary"
  output_stream: "SEGMENTATION_MASK:mask"
}
"""
_REFINEMENTS = 1  # further looks at each person, at the square around its own landmarks


class MediapipeNetworks:
    """A detector, with the networks in MediaPipe's wheel.

    Args:
        search: how thoroughly to look.
    Raises:
        ImportError: MediaPipe cannot be imported, or not run with the networks in its wheel.
    """

    def __init__(self, search: Search = Search()) -> None:
        self.search = search.at_least(1)
        with quiet(), loading():
            self._detect = _Graph(_DETECT, {"detections": "get_proto_list"})
            readers = {"landmarks": "get_proto", "auxiliary": "get_proto", "mask": "get_image"}
            self._look = _Graph(_LANDMARKS, readers, segment=True)

    @property
    def name(self) -> str:
        return release()

    @property
    def most_people(self) -> int:
        return self.search.most_people

    def people(self, image: np.ndarray) -> PeopleFile:
        height, width = image.shape[:2]
        small = self.search.reduced(image)
        with quiet():
            found = self._found(small)
        kept = suppress([person for person in found if (person.score or 0) >= self.search.least_score])
        return self.search.limited(
            [finished(person, i, (width, height), masks=self.search.masks) for i, person in enumerate(kept)]
        )

    def _found(self, image: np.ndarray) -> list[Person]:
        """All people that the networks see, some several times; searches deeper while there is none."""
        height, width = image.shape[:2]
        squares: list[Square] = []
        people: list[Person] = []
        for level in range(self.search.most_levels + 1):
            if people and level > self.search.levels:
                break
            for left, top, right, bottom in windows(width, height, level):
                squares.extend(self._detected(image[top:bottom, left:right], (left, top)))
            if level >= self.search.levels:
                chosen = distinct(squares)[: self.search.most_people]
                people = [person for square in chosen if (person := self._person(image, square)) is not None]
        return people

    def _detected(self, part: np.ndarray, corner: tuple[int, int]) -> Iterator[Square]:
        height, width = part.shape[:2]
        for detection in self._detect(image=part).get("detections", ()):
            hips, edge = (
                (corner[0] + width * point.x, corner[1] + height * point.y)
                for point in detection.location_data.relative_keypoints[:2]
            )
            if hips != edge:
                yield Square.from_points(hips, edge, detection.score[0])

    def _person(self, image: np.ndarray, square: Square) -> Person | None:
        found = self._looked(image, square) or self._looked(image, square._replace(angle=0.0))
        if found is None:
            return None
        height, width = image.shape[:2]
        landmarks = np.array([(p.x * width, p.y * height, p.visibility) for p in found["landmarks"].landmark])
        mask = found["mask"].numpy_view() > 0.5
        return person_from_landmarks(landmarks, (width, height), square.score, mask)

    def _looked(self, image: np.ndarray, square: Square) -> dict[str, Any] | None:
        """What the landmark network sees at the end, or None where it loses the person on the way."""
        height, width = image.shape[:2]
        found: dict[str, Any] = {}
        for _ in range(1 + _REFINEMENTS):
            found = self._look(image=image, roi=(square, width, height))
            if "landmarks" not in found:
                return None
            hips, edge = ((width * p.x, height * p.y) for p in found["auxiliary"].landmark[:2])
            square = Square.from_points(hips, edge, square.score)
        return found


class _Graph:
    """A running MediaPipe graph: inputs by name in, outputs by name out, one picture at a time."""

    def __init__(self, text: str, readers: dict[str, str], **side: bool) -> None:
        import mediapipe
        from google.protobuf import text_format
        from mediapipe.framework import calculator_pb2
        from mediapipe.framework.formats import rect_pb2
        from mediapipe.python import packet_creator, packet_getter
        from mediapipe.python._framework_bindings import calculator_graph, image_frame, resource_util

        resource_util.set_resource_dir(str(Path(mediapipe.__file__).parents[1]))
        self._create, self._rect, self._format = packet_creator, rect_pb2.NormalizedRect, image_frame.ImageFormat.SRGB
        self._out: dict[str, Any] = {}
        self._time = 0
        config = text_format.Parse(text, calculator_pb2.CalculatorGraphConfig())
        self._graph = calculator_graph.CalculatorGraph(graph_config=config)
        for stream, reader in readers.items():
            self._graph.observe_output_stream(stream, self._keep(getattr(packet_getter, reader)))
        self._graph.start_run({name: packet_creator.create_bool(value) for name, value in side.items()})
        self._graph.wait_until_idle()  # its networks are loaded meanwhile, not silently

    def __call__(self, *, image: np.ndarray, roi: tuple[Square, int, int] | None = None) -> dict[str, Any]:
        self._time += 1
        self._out.clear()
        frame = self._create.create_image_frame(data=np.ascontiguousarray(image), image_format=self._format)
        self._graph.add_packet_to_input_stream("image", frame.at(self._time))
        if roi is not None:
            square, width, height = roi
            rect = self._rect(
                x_center=square.x / width,
                y_center=square.y / height,
                width=square.side / width,
                height=square.side / height,
                rotation=square.angle,
            )
            self._graph.add_packet_to_input_stream("roi", self._create.create_proto(rect).at(self._time))
        self._graph.wait_until_idle()
        return dict(self._out)

    def _keep(self, read: Any) -> Any:
        def keep(name: str, packet: Any) -> None:
            self._out[name] = read(packet)

        return keep
