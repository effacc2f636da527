"""What the doors over HTTP share: who is asking, bodies in, refusals out."""
