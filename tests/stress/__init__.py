"""Faults that are really injected, and proof that nothing was lost: short as tests, long as commands."""
