"""What goes wrong, a kind a file. A fault is counted under its name in `World.faults`."""
