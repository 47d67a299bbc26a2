"""axe-core, run in the page: what of it keeps somebody out (WCAG 2.2 AA, and axe's own best practices)."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from typing import Any

from playwright.async_api import ViewportSize

from tests.support.visiting import DESKTOP, PHONE, Visit

_AXE = Path("web/node_modules/axe-core/axe.min.js")
_TAGS = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice")
_SIZES: dict[str, ViewportSize] = {"desktop": DESKTOP, "phone": PHONE}
# What does not depend on colours is looked at in one theme.
_THEMES: dict[str, dict[str, Any]] = {
    "dark": {"runOnly": {"type": "tag", "values": _TAGS}},
    "light": {"runOnly": {"type": "rule", "values": ["color-contrast"]}},
}


@dataclass(slots=True)
class Axe:
    """Looks at the states of a visit's page; ``faults`` has a line for everything found, with state and look."""

    visit: Visit
    faults: list[str] = field(default_factory=list[str])

    @classmethod
    async def over(cls, visit: Visit) -> "Axe":
        """Have axe on every page of the visit."""
        await visit.context.add_init_script(path=_AXE)
        return cls(visit)

    async def look(self, state: str, sizes: Sequence[str] = ("desktop", "phone")) -> None:
        """Look at the page as it is, in each of ``sizes``; in the first of them in both themes."""
        page = self.visit.page
        first, *others = sizes
        for size, theme in [*product([first], _THEMES), *product(others, ["dark"])]:
            await page.set_viewport_size(_SIZES[size])
            await page.emulate_media(color_scheme="dark" if theme == "dark" else "light")
            found = await page.evaluate(
                """async (options) => {
                    // What follows the size and the theme begins with the next frame, and may set off more of the same.
                    for (let isStill = false; !isStill; ) {
                        for (let n = 0; n < 2; n += 1) await new Promise(requestAnimationFrame);
                        const passing = document.getAnimations().filter(
                            ({ effect, playState }) =>
                                playState !== 'finished' && effect.getComputedTiming().endTime !== Infinity);
                        await Promise.allSettled(passing.map(({ finished }) => finished));
                        isStill = passing.length === 0;
                    }
                    const { violations } = await axe.run(document, {
                        ...options, resultTypes: ['violations'], iframes: false, preload: false });
                    return violations.flatMap(({ id, nodes }) =>
                        nodes.map(({ html, failureSummary }) => `${id}: ${html.slice(0, 200)} ${failureSummary}`));
                }""",
                _THEMES[theme],
            )
            self.faults += [f"{state}, {size}, {theme}: {fault}" for fault in found]
        await page.set_viewport_size(_SIZES["desktop"])
