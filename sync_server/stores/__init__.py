"""SQL, a file per noun. Each function takes a Session first; none begins, commits or decides."""
