//! Parts that panels are made of.

pub mod band;
pub mod table;
pub mod text;
