"""Why is a processing element as big as it is? One document with everything that answers it.

:mod:`afp_hw.anatomy.document` puts it together; a page is drawn from it alone.
"""
