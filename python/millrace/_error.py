class MillraceError(Exception):
    """What went wrong, where, and what to do next; `str()` of it is all of that.

    kind: "user" (the statement, an option or a file is wrong), "data" (a record is), "transient" (may succeed when tried
    again) or "internal" (a defect of Millrace). line and column count from 1 in the SQL text; 0 means no place.
    """

    def __init__(self, kind, message, line=0, column=0, where="", hint="", text=""):
        super().__init__(text or message)
        self.kind = kind
        self.message = message
        self.line = line
        self.column = column
        self.where = where
        self.hint = hint
