"""What happens at 10⁹ items and 10⁵ writes a second, which no laptop shows: by formula and by simulation."""
