"""The build: frames in, geo called, frames out; one module a step."""
