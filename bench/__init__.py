"""Measurements and fault rounds on real hosts.

``bench`` and ``scripts`` import ``tests.harness`` and never a test module or a conftest.
"""
