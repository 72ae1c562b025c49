"""The toolbox that all repositories share: set-up, checks and their counts.

What runs before there is a virtual environment (`setup`, `test`, `conform` and what they import)
uses the standard library alone; `run_tests` and what it imports may use what set-up installed.
"""

__all__: list[str] = []
