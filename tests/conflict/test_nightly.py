"""The nightly run, with few histories."""

from tests.conflict import nightly


def test_a_short_run_prints_its_table_and_ends_well(capsys):
    assert nightly.main(["--histories", "50", "--workers", "1", "--first", "1000"]) == 0
    printed = capsys.readouterr().out
    for name in ("histories", "violations", *nightly.FLOORS):
        assert f"\n{name} " in f"\n{printed}"


def test_a_broken_law_is_told_with_the_smallest_story_and_ends_badly(capsys, monkeypatch):
    def no_deletes(story):
        assert all(event[0] != "delete" for event in story[2])

    monkeypatch.setattr(nightly, "LAWS", {"no deletes": no_deletes})
    seed = next(n for n in range(100) if any(one[0] == "delete" for one in nightly.tell(n)[2]))
    assert nightly.main(["--seed", str(seed)]) == 1
    told = capsys.readouterr().out
    assert f"seed {seed} breaks no deletes" in told
    assert told.count("\n  ('") == 1


def test_too_little_concurrency_ends_badly(capsys, monkeypatch):
    monkeypatch.setitem(nightly.FLOORS, "concurrency", 101.0)
    assert nightly.run(2, workers=1, first=0) == 1
    assert "too few histories with concurrency" in capsys.readouterr().out
