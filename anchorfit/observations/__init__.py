"""What was seen: keypoints, masks, images."""
