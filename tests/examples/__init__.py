"""Nutgraf in other applications: each file can be run as it stands, and is run by the tests."""
