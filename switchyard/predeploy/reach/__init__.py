"""Reaches servers and files of the application's containers through SSH."""
