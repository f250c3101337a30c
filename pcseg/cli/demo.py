def demo() -> None:
    """Placeholder while the rest is being written."""
