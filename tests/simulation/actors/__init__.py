"""Who acts in a schedule, one a file. Each is a generator that yields wherever others may act."""
