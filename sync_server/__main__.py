"""`python -m sync_server` is `simpul`."""

from sync_server.commands import main

if __name__ == "__main__":
    main(prog_name="simpul")
