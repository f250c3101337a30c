"""Things that stand in streets, each built from primitives with random proportions."""
