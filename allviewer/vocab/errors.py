"""One tree of errors that a person may see: what, where, expected and got, and what to do."""


class AllviewerError(Exception):
    """Something a user can understand and act on.

    Parameters
    ----------
    what : one clause saying what went wrong.
    where : file, field or option it concerns; empty where there is none.
    expected, got : what should have been there and what was; either may be empty.
    todo : one sentence saying what to do next.
    """

    def __init__(self, what: str, *, where: str = "", expected: str = "", got: str = "", todo: str = "") -> None:
        self.what, self.where, self.expected, self.got, self.todo = what, where, expected, got, todo
        super().__init__(str(self))

    def __str__(self) -> str:
        """One line: where: what (expected …, got …). What to do."""
        head = f"{self.where}: {self.what}" if self.where else self.what
        facts = ", ".join(
            f"{word} {value}" for word, value in (("expected", self.expected), ("got", self.got)) if value
        )
        head = f"{head} ({facts})" if facts else head
        head = head if head.endswith((".", "!", "?")) else head + "."
        return f"{head} {self.todo}".rstrip()


class ImageError(AllviewerError):
    """An image cannot be opened or read."""


class ModelError(AllviewerError):
    """A model file is missing, foreign, damaged or inconsistent."""


class AlteredModelError(ModelError):
    """A model's file is whole, but not the one that was recorded under its name.

    Parameters
    ----------
    name : of the model. known, found : sha256 of the file that was recorded, and of the one that is there.
    recorded : where, as words that follow "the file that".
    """

    def __init__(self, name: str, known: str, found: str, recorded: str) -> None:
        self.name, self.known, self.found, self.recorded = name, known, found, recorded
        super().__init__(
            f"the model '{name}' is not the file that {recorded}",
            expected=f"sha256 {known[:12]}",
            got=found[:12],
            todo=f"If you know why, accept it by name (--accept-model {name}); else restore the file.",
        )


class RecipeError(AllviewerError):
    """A recipe names something that does not exist or does not fit."""


class DataError(AllviewerError):
    """Training or evaluation data are missing or unusable."""


class RunError(AllviewerError):
    """A stored run is missing, half-written or from another version."""


class ExportError(AllviewerError):
    """Something cannot be written."""


class StudyError(AllviewerError):
    """The study database refuses or cannot be used."""


class ConflictError(StudyError):
    """A decision was refused because the cell is no longer what the reader saw."""
