"""What Netloom ships, through the same entry points as a third-party package."""
