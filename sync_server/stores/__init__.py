"""SQL, a file per noun. Each function takes a Connection first; none begins, commits or decides."""
