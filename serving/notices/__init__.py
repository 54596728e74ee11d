"""Notices to applicants: their texts, what they say, how they look, and until when they are due."""
