"""Point files of any kind with a label map, and data sets that are no more than that."""
