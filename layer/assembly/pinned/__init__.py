"""What the locked interpreter itself runs while the layer is built, so that its zlib and compiler count.

Law: each is a script of its own that imports the standard library alone.
"""
