"""What `tools/bench` can measure, one module for each subject; see `toolbox.bench`."""

__all__: list[str] = []
