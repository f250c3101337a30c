"""SemanticKITTI and all that keep its layout: a .bin of points, a .label of ids."""
