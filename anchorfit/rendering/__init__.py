"""Rendering bodies in plain PyTorch."""
