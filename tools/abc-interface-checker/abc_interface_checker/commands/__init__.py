"""One module for each command: ``add_arguments(parser)`` and ``run(options) -> exit status``."""

__all__: list[str] = []
