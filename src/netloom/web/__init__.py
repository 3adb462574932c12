"""HTTP: one folder per door, and what the doors share."""
