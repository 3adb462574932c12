"""The workbench: pages for people and their .json twins for scripts."""
