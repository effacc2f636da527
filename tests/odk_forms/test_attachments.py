"""The files that a submission names."""

from odk_forms.changes import attachment_names
from odk_forms.instance import read
from tests.odk_forms.filled import BUDI, HOUSE, SITI, UPSERT, a_child, house, submission


def test_attachments_are_what_binary_questions_name():
    raw = house(a_child(SITI, "a b", "1"), a_child(BUDI, "a b", "2"), a_child(BUDI, "c", "3"))

    assert attachment_names(read(raw.encode()), HOUSE) == ("a b.jpg", "c.jpg")


def test_the_audit_log_is_an_attachment_and_a_blank_photo_is_none():
    instance = submission("<audit>audit.csv</audit>", "<foto/><nama>x.jpg</nama>")

    assert attachment_names(instance, UPSERT) == ("audit.csv",)
    assert attachment_names(instance, HOUSE) == ("audit.csv",)
