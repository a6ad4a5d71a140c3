"""Carry a slide through segmentation and classification as a stream of events."""
