"""What `make bench` runs: starts processes, does things to them, writes down what they said."""
