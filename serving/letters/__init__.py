"""Letters to applicants: what a decision rested on, in approved words."""
