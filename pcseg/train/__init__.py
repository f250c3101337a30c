"""Training: a flat loop that can be stopped and resumed at any update."""

from pcseg.train.checkpoint import Checkpoint, load_checkpoint
from pcseg.train.loop import Interrupted, train

__all__ = ["Checkpoint", "Interrupted", "load_checkpoint", "train"]
