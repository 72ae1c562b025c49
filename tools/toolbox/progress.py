"""How set-up tells what it does, and how it gives up."""

__all__ = ["SetupError", "say"]


class SetupError(Exception):
    """Set-up cannot go on; the message says what happened and what to do."""


def say(text: str) -> None:
    """Tell the user at once: the next step may take minutes."""
    print(f"[setup] {text}", flush=True)
