"""Every migration says what it does, what it locks, and whether the release before still runs."""

import pytest

from ioc_analytics.schema.scripts import Script, platform_scripts

# Applied files never change: those of before the rule stay as they are.
RULED = [script for script in platform_scripts() if script.name >= "0016"]


@pytest.mark.parametrize("script", RULED, ids=lambda script: script.name)
def test_a_head_is_whole(script: Script) -> None:
    head = script.head
    assert list(head) == ["What", "Why", "Locks", "Way back", "Previous release"]
    assert head["Previous release"].startswith(("runs", "stops"))
