"""The web server around `compute`: HTTP API, page, images. Torch runs in a child process only (engine, worker)."""

__version__ = "0.1.0"
