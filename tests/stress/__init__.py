"""Stress tests: injected faults, fuzzing and load. Short forms run as tests, long forms as commands."""
