"""The shipped experiment configurations, as YAML."""
