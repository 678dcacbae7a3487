"""Streaming SQL with models inside it, in this process.

    import millrace

    with millrace.Session() as session:
        session.execute("CREATE TABLE tx (...) WITH (...)")
        for batch in session.query("SELECT id, amount FROM tx"):
            ...  # a pyarrow.RecordBatch
"""

from millrace._error import MillraceError
from millrace._session import Job, ObjectInfo, Result, Session, version

__all__ = ["Job", "MillraceError", "ObjectInfo", "Result", "Session", "version"]
