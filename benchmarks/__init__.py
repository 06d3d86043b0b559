"""BENCHMARKS: the platform beside other tools, in one run; ratios count, not milliseconds."""
