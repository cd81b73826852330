"""Benchmarks: one question a file, peers side by side in one run, results with machine and commit."""
