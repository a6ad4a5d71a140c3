"""The study database: append-only decisions that nothing rewrites."""
