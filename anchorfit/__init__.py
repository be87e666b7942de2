"""From photographs, keypoints and masks to 3D human bodies."""
