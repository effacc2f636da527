"""What is shown: to supervisors on pages, to programs as JSON, to phones as lists."""
