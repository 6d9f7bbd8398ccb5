//! A document whose elements hold their parents by mistake, and an audit that finds it.
//!
//! ```sh
//! cargo run --example leak
//! ```
//!
//! Children are `Ref`s inside of their parent's value. If a child holds its parent in the same way, the two hold each
//! other, and closing the document frees neither. [`audit`] says which entries nobody outside of the map holds. The
//! repair is to let children know their parent by a [`WeakRef`].

use std::cell::{Cell, RefCell};

use rcmap::audit::{Report, audit};
use rcmap::{RcHashMap, Ref, WeakRef};

pub(crate) type ElementRef = Ref<&'static str, Element>;

#[derive(Default)]
pub(crate) struct Element {
    children: RefCell<Vec<ElementRef>>,
    /// The mistake.
    parent: RefCell<Option<ElementRef>>,
    /// The repair.
    weak_parent: RefCell<WeakRef<&'static str, Element>>,
}

#[derive(Default)]
pub(crate) struct Document {
    elements: RcHashMap<&'static str, Element>,
    is_repaired: Cell<bool>,
}

impl Document {
    pub(crate) fn repaired() -> Self {
        Self { is_repaired: Cell::new(true), ..Self::default() }
    }

    fn element<'a>(&'a self, r: &'a ElementRef) -> &'a Element {
        r.value(&self.elements).expect("the element should be of this document")
    }

    pub(crate) fn add(&self, parent: Option<&ElementRef>, name: &'static str) -> ElementRef {
        let child = self.elements.find_or_insert_with(name, |_| Element::default());
        if let Some(parent) = parent {
            self.element(parent).children.borrow_mut().push(child.clone());
            if self.is_repaired.get() {
                *self.element(&child).weak_parent.borrow_mut() = parent.downgrade();
            } else {
                *self.element(&child).parent.borrow_mut() = Some(parent.clone());
            }
        }
        child
    }

    pub(crate) fn parent(&self, child: &ElementRef) -> Option<ElementRef> {
        let element = self.element(child);
        element.parent.borrow().clone().or_else(|| element.weak_parent.borrow().upgrade())
    }

    pub(crate) fn audit(&self) -> Report<&'static str, Element> {
        // Every `Ref` that is inside of an element.
        audit(&self.elements, |_, element, visit| {
            element.children.borrow().iter().for_each(&mut *visit);
            element.parent.borrow().iter().for_each(visit);
        })
    }

    /// Breaks up what is leaked.
    pub(crate) fn free(&self, report: Report<&'static str, Element>) {
        for leaked in report.leaks().flatten() {
            drop(self.element(leaked.get()).parent.take());
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.elements.len()
    }
}

/// A page with a heading and a list of two items.
pub(crate) fn fill(document: &Document) -> ElementRef {
    let page = document.add(None, "page");
    let heading = document.add(Some(&page), "heading");
    assert!(document.parent(&heading) == Some(page.clone()));
    let list = document.add(Some(&page), "list");
    for item in ["first item", "second item"] {
        let item = document.add(Some(&list), item);
        assert!(document.parent(&item) == Some(list.clone()));
    }
    page
}

fn main() {
    let document = Document::default();
    let page = fill(&document);
    println!("open:\n{}", document.audit());
    drop(page);
    let report = document.audit();
    println!("closed:\n{report}");
    document.free(report);
    println!("freed by hand: {} elements left", document.len());

    let document = Document::repaired();
    let page = fill(&document);
    drop(page);
    println!("closed, with weak parents: {} elements left", document.len());
}
