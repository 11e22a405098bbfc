"""Pictures of the page, kept in `artifacts/screenshots/`."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from .page import ChromiumTab, PageUser

FOLDER: Final = Path(__file__).resolve().parents[2] / "artifacts" / "screenshots"
WIDE: Final = {"width": 1200, "height": 800}
NARROW: Final = {"width": 360, "height": 720}


async def shoot(user: PageUser, name: str) -> None:
    """Takes the picture, and checks that nothing is wider than the window."""
    assert isinstance(user.tab, ChromiumTab)
    FOLDER.mkdir(parents=True, exist_ok=True)
    await user.tab.page.screenshot(path=FOLDER / f"{name}.png", animations="disabled")
    wider = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert await user.tab.evaluate(wider) <= 0, f"{name} is wider than its window"
