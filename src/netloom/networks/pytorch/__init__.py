"""The standard networks for PyTorch, as users read and change them."""
