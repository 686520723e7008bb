"""VigiBâti: buildings that the orthophoto shows and the cadastre does not know."""

from importlib.metadata import version

__version__ = version("vigibati")
