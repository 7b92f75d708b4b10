"""What `make bench` runs: it starts processes, does things to them, and writes down what they said."""
