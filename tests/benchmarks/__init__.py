"""How fast this project builds, searches and keeps up, beside other engines on the same machine.

python -m tests.benchmarks --help
"""
