"""From the npm packages that hold BlazePose and MoveNet to the weights that ship."""
