"""The code that the workbook's lessons share.

Nothing is imported here, so that `import helpers` costs nothing and `python3 -m helpers lab`
works before a single package is installed. Import what you need: `from helpers import workbook`.
"""

__version__ = "0.1.0"
