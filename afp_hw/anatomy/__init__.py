"""Why a processing element is as big as it is: one document with everything that answers it.

:mod:`afp_hw.anatomy.document` puts it together; a page is drawn from it alone.
"""
