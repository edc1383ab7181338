"""Stops an upload from filling the disk: what goes beyond the largest file we import is thrown away as it arrives."""

from django.core.files.uploadedfile import UploadedFile
from django.core.files.uploadhandler import FileUploadHandler

from contacts.importing import limits


class BoundedUploadHandler(FileUploadHandler):
    """Stands before Django's own handlers, which write to memory or disk; the rest is told to be too large later."""

    def receive_data_chunk(self, raw_data: bytes, start: int) -> bytes | None:
        """Pass on what begins within the limit; so a larger file keeps at least one byte too many and is refused."""
        return raw_data if start <= limits.FILE_BYTES else None

    def file_complete(self, file_size: int) -> UploadedFile | None:
        """Nothing: the handlers behind this one keep the file."""
        return None
