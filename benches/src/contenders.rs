//! The maps that take part.

pub mod hand_rolled;
pub mod interners;
pub mod plain;
pub mod rc_hashmap;
pub mod rc_values;
pub mod rcmap;
pub mod weak_table;
