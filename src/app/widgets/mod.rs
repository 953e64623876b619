//! Parts that panels are made of.

pub mod band;
pub mod path_field;
pub mod table;
pub mod text;
