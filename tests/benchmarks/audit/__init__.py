"""What the log costs: `python -m tests.benchmarks.audit`. The last line is one JSON object."""
