"""Counts over the articles that match: facets, timeline, near-duplicates, completions.

Each module is a few functions over a snapshot and an array of articles. `matching` finds the articles that
match a tree without scoring them, for counts only.
"""
