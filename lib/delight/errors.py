"""What can go wrong, told to the person who can mend it.

`StudyError`, `InputError` and `RunError` say what was expected, what was found and where, and what to do.
"""


class DelightError(Exception):
    """Any error the workbook raises on purpose; its text is meant for the user.

    Attributes
    ----------
    chapter, cell : str, int or None
        Notebook and cell it was raised in, where it was.
    found : tuple of DelightError
        The errors it stands for, where it is several.
    """

    chapter = ""
    cell = None
    found = ()


class StudyError(DelightError):
    """The study (study.toml, codebook.csv, answers.csv, units.csv, story/) says something that cannot be."""


class InputError(DelightError):
    """The data, or an argument of a method, is not what was declared."""


class RunError(DelightError):
    """A chapter, a report or a batch could not be made.

    Parameters
    ----------
    message : str
        What happened, where and what to do.
    exit_code : int, optional
        Exit code of the command line: 3 a chapter failed, 2 usage, 5 nothing ran.
    """

    def __init__(self, message, exit_code=3):
        super().__init__(message)
        self.exit_code = exit_code


class Mistakes:
    """Mistakes collected one by one and raised together: ``with mistakes: …`` around each check, then `raise_all`."""

    def __init__(self):
        self.found = []

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        if isinstance(error, DelightError):
            self.found.append(error)
            return True
        return False

    def raise_all(self):
        """Raise what was found: the error itself if there is one, else one error with all texts, of the study or data if any is."""
        if len(self.found) < 2:
            for error in self.found:
                raise error
            return
        text = "\n".join(str(error) for error in self.found)
        kind = next((k for k in (StudyError, InputError) if any(isinstance(error, k) for error in self.found)), None)
        together = kind(text) if kind else RunError(text, exit_code=self.found[0].exit_code)
        together.found = tuple(found for error in self.found for found in error.found or (error,))
        raise together


def visible(text):
    """Text for a terminal: control characters and other invisible marks, which could hide or forge what it says, written as escapes."""
    return "".join(c if c in "\n\t" or c.isprintable() or c.isspace() and ord(c) > 159 else repr(c)[1:-1] for c in str(text))


def nearest(word, known):
    """The known word closest to `word`, or None if none is close."""
    import difflib

    return next(iter(difflib.get_close_matches(str(word), [str(k) for k in known], n=1, cutoff=0.6)), None)


def did_you_mean(word, known):
    """A half sentence such as " Did you mean 'role'?", or nothing."""
    found = nearest(word, known)
    return f" Did you mean '{found}'?" if found else ""
