//! Parts that panels are made of.

pub mod band;
pub mod chosen;
pub mod dialog;
pub mod list;
pub mod path_field;
pub mod table;
pub mod text;
