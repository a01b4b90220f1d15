"""Long work beside the screen: shows how far it is, can be stopped, and never lets an older answer overwrite a newer one."""

from __future__ import annotations

import ctypes
import threading
from contextlib import suppress

import ipywidgets

from delight.errors import DelightError


class Stopped(BaseException):
    """Raised inside work that a person has stopped; no method catches it."""


class Work(ipywidgets.HBox):
    """A bar, a word on what is being done, and a button to stop.

    Parameters
    ----------
    words : delight.show.Words
    """

    def __init__(self, words):
        self.words, self._thread, self._turn, self._lock = words, None, 0, threading.RLock()
        self.bar = ipywidgets.IntProgress(value=0, max=1, layout={"width": "12em"})
        self.told = ipywidgets.HTML()
        self.button = ipywidgets.Button(
            description=words.gettext("Stop"), icon="stop", tooltip=words.gettext("Stop and keep what there is"), layout={"width": "auto"}
        )
        self.button.on_click(lambda _button: self.stop())
        super().__init__([self.bar, self.told, self.button])
        self._shown(False)

    @property
    def running(self):
        """Whether anything is under way."""
        return self._thread is not None and self._thread.is_alive()

    def start(self, steps, done, failed):
        """Do the `steps` one after another beside the screen; whatever runs already is stopped first.

        Parameters
        ----------
        steps : sequence of (str, function)
            What is being done, in the reader's language, and the function that does it.
        done : function of one value
            Called with the value of each step as it comes, so that a view sharpens.
        failed : function of one exception
            Called when a step cannot be done (`DelightError`).
        """
        self.stop(quietly=True)
        with self._lock:
            self._turn += 1
            turn = self._turn
            self.bar.max, self.bar.value = len(steps), 0
            self._shown(True)
            self._thread = threading.Thread(target=self._begin, args=(turn, steps, done, failed), daemon=True)
            self._thread.start()

    def _begin(self, *about):
        with suppress(Stopped):  # asked to stop at its very end
            self._run(*about)

    def _run(self, turn, steps, done, failed):
        def ours():
            return turn == self._turn

        try:
            for place, (what, function) in enumerate(steps):
                self._say(what + " …")
                value = function()
                with self._lock:  # a person who stops or chooses anew has the last word
                    if not ours():
                        return
                    self.bar.value = place + 1
                    done(value)
            self._say("")
        except Stopped:
            if ours():
                self._say(self.words.gettext("Stopped: what stands here is as far as it came."))
        except DelightError as error:
            if ours():
                self._say("")
                failed(error)
        finally:
            if ours():
                self._shown(False)

    def stop(self, quietly=False):
        """Interrupt what is under way; it ends between two steps of the interpreter."""
        thread = self._thread
        if not self.running or thread is threading.current_thread():
            return
        with self._lock:
            if quietly:
                self._turn += 1
            ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread.ident), ctypes.py_object(Stopped))
        if quietly:
            self._say("")

    def wait(self, seconds=120):
        """Until the work is done; for tests and for code that needs the result at once."""
        if self._thread is not None:
            self._thread.join(seconds)
        return not self.running

    def _say(self, text):
        self.told.value = f'<span role="status">{text}</span>' if text else ""

    def _shown(self, shown):
        for part in (self.bar, self.button):
            part.layout.display = "" if shown else "none"
