"""Documents beside the files of a backup, signed so that nobody edits them unseen.

For: manifest and state of a backup. Not for: what stands in them.

The key of the signatures is derived from the pseudonym key, for this purpose alone, and stands
nowhere: whoever has only the backups can neither forge one nor learn the pseudonym key.
"""

import hmac
import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from ioc_analytics.kernel.errors import ConfigurationError, IntegrityFailure
from ioc_analytics.kernel.settings import AnalyticsConfig
from ioc_analytics.privacy.keys import load_key
from ioc_analytics.privacy.pseudonyms import Pseudonymizer

_DOMAIN: Final = b"ioc-analytics/backup-signature/1\0"


@dataclass(frozen=True, slots=True)
class SigningKey:
    """The key of the signatures."""

    key_id: str
    """Public name of the pseudonym key that it comes from."""

    secret: bytes = field(repr=False)

    def write(self, path: Path, content: dict[str, Any]) -> None:
        """Write a signed document, whole or not at all, and see it on the disk."""
        signed = {**content, "key_id": self.key_id}
        signed["signature"] = self._signature(signed)
        fresh = path.with_name(f".{path.name}.new")
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            json.dump(signed, file, indent=1, sort_keys=True)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)
        sync_folder(path.parent)

    def read(self, path: Path) -> dict[str, Any]:
        """Return a document after a look at its signature.

        Raises:
            IntegrityFailure: It is missing, unreadable, or was changed after it was signed.
            ConfigurationError: It was signed with another key.
        """
        try:
            content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
            given, key_id = str(content.pop("signature")), str(content["key_id"])
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as fault:
            raise IntegrityFailure(
                f"{path} is missing or unreadable: use another backup"
            ) from fault
        if key_id != self.key_id:
            raise ConfigurationError(
                f"{path} was signed with pseudonym key {key_id}, this installation has "
                f"{self.key_id}: put the key of that time back from escrow, then try again"
            )
        if not hmac.compare_digest(given, self._signature(content)):
            raise IntegrityFailure(f"{path} was changed after it was signed: use another backup")
        return content

    def _signature(self, content: dict[str, Any]) -> str:
        text = json.dumps(content, sort_keys=True, separators=(",", ":"))
        return hmac.digest(self.secret, text.encode(), "sha256").hex()


def signing_key(config: AnalyticsConfig) -> SigningKey:
    """Return the signing key of this installation; none is ever made for it.

    Raises:
        ConfigurationError: The pseudonym key is missing or unreadable.
    """
    key = load_key(config, makes=False)
    return SigningKey(Pseudonymizer(key).key_id, hmac.digest(key, _DOMAIN, "sha256"))


def sync_folder(folder: Path) -> None:
    """Wait until the names in a folder are on the disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
