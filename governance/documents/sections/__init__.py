"""What the sections of documents say, by subject: each takes the record and gives a part."""
