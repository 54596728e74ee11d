"""What lies in the archive."""

from django.db import models

from audit.models.log import Entry


class ArchivedObject(models.Model):
    """One object in the archive, read back and compared after it was written."""

    origin = models.CharField(max_length=255)
    key = models.CharField(max_length=500, unique=True)
    sha256 = models.CharField(max_length=64)
    size = models.BigIntegerField()
    tree_size = models.BigIntegerField()
    read_back_at = models.DateTimeField()
    entry = models.ForeignKey(Entry, on_delete=models.PROTECT, related_name="+")

    class Meta:
        permissions = [
            ("archive_log", "Can archive the log"),
            ("verify_log", "Can verify the whole log"),
            ("manage_keys", "Can make and rotate keys"),
            ("write_heartbeat", "Can write heartbeats"),
        ]

    def __str__(self) -> str:
        return self.key
