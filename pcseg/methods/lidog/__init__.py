"""LiDOG: a dense network on the bird's-eye view helps the sparse one in training."""
