"""What happens by itself: one elected process of an install runs each job on its schedule."""
