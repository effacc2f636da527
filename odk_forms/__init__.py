"""XLSForm, XForm, instance XML, OpenRosa documents, entity lists and Collect's settings.

Bytes and values only: nothing here knows Flask or a database.
"""
