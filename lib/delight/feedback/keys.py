"""Pseudonyms of respondents: a keyed hash, with a key that never lies in a study or a report."""

from __future__ import annotations

import hashlib
import os
import secrets
import sys
from pathlib import Path

from delight.errors import StudyError


def config_folder():
    """The user's configuration folder of the workbook."""
    if sys.platform == "win32":
        base = Path(os.environ.get("APPDATA") or Path.home() / "AppData" / "Roaming")
    else:
        base = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
    return base / "delight"


def study_key(name):
    """The secret key of a study: DELIGHT_KEY if set, else a file in the configuration folder, made on first use and readable by its owner only.

    Raises
    ------
    StudyError
        The key can neither be read nor made.
    """
    given = os.environ.get("DELIGHT_KEY", "")
    if given:
        return hashlib.blake2b(given.encode(), person=b"delight-key", digest_size=32).digest()
    path = config_folder() / "keys" / f"{name}.key"
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        # written beside and linked into place, so that of two first runs at once both get the same, whole key
        aside = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
        if not path.exists():
            descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "w") as file:
                file.write(secrets.token_hex(32) + "\n")
            try:
                os.link(aside, path)
            except FileExistsError:
                pass
            finally:
                aside.unlink()
        text = path.read_text().strip()
        key = bytes.fromhex(text)
    except OSError as error:
        raise StudyError(
            f"The key that makes respondents' pseudonyms cannot be kept in {path} ({error.strerror or error}). "
            "Make that folder writable, or set DELIGHT_KEY to a secret text."
        ) from None
    except ValueError:
        key = b""
    if len(key) < 16:
        raise StudyError(f"The key in {path} is damaged. Restore it from a copy, or delete it: respondents then get new pseudonyms.")
    return key


def pseudonyms(ids, key):
    """Keyed hash of each id, 16 hexadecimal digits."""
    return [hashlib.blake2b(str(i).encode("utf-8", "surrogatepass"), key=key, digest_size=8).hexdigest() for i in ids]
