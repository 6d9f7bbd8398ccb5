//! A node held by a pointer of std's or a crate's, which is compared and hashed by address.

use std::hash::{Hash, Hasher};
use std::ops::Deref;
use std::rc::Rc;

/// Holds a node.
#[derive(Debug, Clone)]
pub struct Id(pub Rc<crate::Node<Id>>);

impl Deref for Id {
    type Target = crate::Node<Id>;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl PartialEq for Id {
    fn eq(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for Id {}

impl Hash for Id {
    fn hash<H: Hasher>(&self, state: &mut H) {
        Rc::as_ptr(&self.0).hash(state);
    }
}
