"""One thread for every test: results and timings do not depend on how many cores a machine has."""

import torch

torch.set_num_threads(1)
