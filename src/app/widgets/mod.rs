//! Parts that panels are made of.

pub mod band;
pub mod chosen;
pub mod list;
pub mod path_field;
pub mod table;
pub mod text;
