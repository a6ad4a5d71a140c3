"""allviewer: find, classify, explain and review the white cells of stained smears.

Research use only. A model's suggestion is never a diagnosis.
"""

__version__ = "0.1.0"
