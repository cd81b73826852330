"""Bodies that are too large for a record of the log: one object a message, in a folder or a bucket.

``interface``  what either store gives; keys, references, and how long an object is kept
``folder``     files on a disk that the whole fleet sees
``bucket``     an S3-compatible bucket
"""
