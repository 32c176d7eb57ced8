"""Tables of a page by name, for tests that read them."""

from afp_hw.report.html.page import Page, Table


def tables(page: Page) -> dict[str, Table]:
    return {
        block.name: block
        for section in page.sections
        for block in section.blocks
        if isinstance(block, Table)
    }
