"""Checks interfaces: implementation against contract, and one version of a contract against another."""

__all__: list[str] = []
