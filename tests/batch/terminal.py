"""A terminal with a program in it: what is on the screen, and keys."""

from __future__ import annotations

import codecs
import os
import re
import select
import time

import ptyprocess

_PART = re.compile(r"\x1b\[([?\d;]*)([A-Za-z])|[^\x1b]")


class Terminal:
    """A program on a real (pseudo) terminal of so many columns.

    Attributes
    ----------
    seen : str
        Everything that was written.
    """

    def __init__(self, command, *, columns=100, **how):
        self.process = ptyprocess.PtyProcess.spawn([str(part) for part in command], dimensions=(24, columns), **how)
        self.seen, self._decoder = "", codecs.getincrementaldecoder("utf-8")("replace")

    def until(self, condition, *, seconds=60.0):
        """Read until something is true of this terminal, or the program has ended; says whether it was."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if condition(self):
                return True
            if select.select([self.process.fd], [], [], 0.1)[0]:
                try:
                    self.seen += self._decoder.decode(os.read(self.process.fd, 65536))
                except OSError:  # the program has ended
                    return condition(self)
        raise AssertionError(f"waited {seconds:.0f} s:\n{self.screen()}")

    def ended(self, *, seconds=60.0):
        """Wait for the program to end; its exit code."""
        self.until(lambda terminal: False, seconds=seconds)
        return self.process.wait()

    def screen(self):
        """Lines on the screen, of as many as were written: texts, and the moves of the cursor that a bar makes."""
        lines, row, column = [""], 0, 0
        for part in _PART.finditer(self.seen):
            number, move = part[1], part[2]
            if move == "A":
                row = max(0, row - int(number or 1))
            elif move == "K":
                lines[row] = "" if number == "2" else lines[row][:column]
            elif move:
                continue  # colours, and the cursor shown or not
            elif part[0] == "\n":
                row += 1
                lines += [""] * (row + 1 - len(lines))
            elif part[0] == "\r":
                column = 0
            else:
                lines[row] = lines[row].ljust(column)[:column] + part[0] + lines[row][column + 1 :]
                column += 1
        return "\n".join(line.rstrip() for line in lines).rstrip()

    @property
    def cursor_shown(self):
        """Whether the cursor can be seen."""
        return self.seen.rfind("\x1b[?25h") >= self.seen.rfind("\x1b[?25l")

    def end(self):
        self.process.close(force=True)
