"""The frameworks that Netloom ships."""
