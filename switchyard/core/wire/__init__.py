"""The protocol between the control node and the host program, and the files that a host keeps: each message once.

``message`` converts and validates; the other modules define one kind of message each.
"""
