"""What must always hold, one a file. A checker raises `Violation`."""
