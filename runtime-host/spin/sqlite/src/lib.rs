//! Placeholder while dependencies are compiled.
