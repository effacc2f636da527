"""Speed, as ratios to floors measured beside it in the same run: `python -m bench`."""
