"""Maps the top-level folders into the package; everything else is in pyproject.toml."""

from setuptools import find_packages, setup

# `viz`, `data_prep` and `configs` are too general to be importable names of their own.
mapped = {"pcseg.viz": "viz", "pcseg.data_prep": "data_prep", "pcseg.configs": "configs"}

setup(
    packages=[
        *find_packages(include=["pcseg", "pcseg.*"]),
        *mapped,
        *(f"pcseg.viz.{name}" for name in find_packages("viz")),
    ],
    package_dir=mapped,
    package_data={
        "pcseg": ["py.typed", "**/*.yaml", "**/*.json"],
        "pcseg.configs": ["**/*.yaml"],
        "pcseg.viz": ["assets/*"],
    },
)
