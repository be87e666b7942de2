"""What methods have learned, kept in files: safetensors, found by what they were learned from; nothing is unpickled."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from ..atomic import write_atomically

FORMAT = "anchorfit-baseline-1"
_ANOTHER = "name another folder for what is learned"


class Store(NamedTuple):
    """A folder that keeps what was learned, made when first written to; and who is told of trainings, a line each."""

    folder: Path
    say: Callable[[str], None] = lambda line: None

    def path(self, name: str, settings: Mapping[str, Any]) -> Path:
        """Where what was learned under a name with these settings (JSON values) is or will be."""
        digest = hashlib.sha256(_text(settings).encode()).hexdigest()
        return self.folder / f"{name}-{digest[:16]}.safetensors"

    def check(self) -> None:
        """Make the folder; better now than after the training.

        Raises:
            OSError: it cannot be made or written to.
        """
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OSError(f"{self.folder}: cannot be made ({error.strerror}); {_ANOTHER}") from error
        if not os.access(self.folder, os.W_OK):
            raise PermissionError(f"{self.folder}: cannot be written to; {_ANOTHER}")

    def write(self, name: str, settings: Mapping[str, Any], state: Mapping[str, Tensor]) -> None:
        """Keep tensors.

        Raises:
            OSError: the file cannot be written.
        """
        tensors = {key: value.detach().cpu().clone().contiguous() for key, value in state.items()}  # none shares memory
        data = save(tensors, {"format": FORMAT, "settings": _text(settings)})
        write_atomically(self.path(name, settings), data)

    def read(self, name: str, settings: Mapping[str, Any]) -> dict[str, Tensor] | None:
        """What was kept, None where nothing was or where it cannot be used; the latter is said."""
        path = self.path(name, settings)
        if not path.exists():
            return None
        try:
            with safe_open(path, framework="pt") as file:
                header = file.metadata() or {}
                state = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
        except (SafetensorError, OSError) as error:
            self.say(f"{path}: cannot be read ({error}); {name} is trained again")
            return None
        if header != {"format": FORMAT, "settings": _text(settings)}:
            self.say(f"{path}: is not what its name says; {name} is trained again")
            return None
        return state


def _text(settings: Mapping[str, Any]) -> str:
    return json.dumps(dict(settings), sort_keys=True)
