//! Paths of definitions, interned with their parents shared, after salsa's interned queries.
//!
//! ```sh
//! cargo run --example paths
//! ```
//!
//! A path is a file, or a name below another path. Interning makes equal paths the same entry, so
//! comparing them is one comparison of pointers, and a prefix is stored once however many paths
//! continue it, because a key holds the [`Ref`] of its parent.
//!
//! What carries over from salsa: ids that are small and `Copy` (`PathId`), the inverse query from id
//! to data, and that an edit which re-creates a path gives the same id. What differs: nothing is
//! collected. A path is freed as soon as nobody holds it, so the table never grows beyond what is
//! live; to stay, a path has to be held by somebody. Its place is used again, and yet an old id never
//! turns into the new path.

use std::collections::{BTreeMap, HashSet};
use std::fmt;

use rcmap::{Equivalent, Handle, RcHashMap, Ref};

/// A path that is held: while it exists, it and its parents are in the table.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) struct Path(Ref<PathData, ()>);

/// The keys of the table.
#[derive(PartialEq, Eq, Hash)]
pub(crate) enum PathData {
    Root(FileId),
    Child(Path, Box<str>),
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct FileId(pub(crate) u32);

/// The name of a path, for tables beside this one. Eight bytes, and holds nothing.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) struct PathId(Handle);

/// What a path is looked up by: borrowed, so that finding one that is there allocates nothing.
///
/// Has to be hashed as `PathData` is, hence the same variants in the same order.
#[derive(Hash)]
enum PathQuery<'a> {
    Root(FileId),
    Child(&'a Path, &'a str),
}

impl Equivalent<PathData> for PathQuery<'_> {
    fn equivalent(&self, key: &PathData) -> bool {
        match (self, key) {
            (Self::Root(file), PathData::Root(other)) => file == other,
            (Self::Child(parent, name), PathData::Child(other_parent, other_name)) => {
                *parent == other_parent && **name == **other_name
            }
            _ => false,
        }
    }
}

impl From<&PathQuery<'_>> for PathData {
    fn from(query: &PathQuery<'_>) -> Self {
        match *query {
            PathQuery::Root(file) => Self::Root(file),
            PathQuery::Child(parent, name) => Self::Child(parent.clone(), name.into()),
        }
    }
}

impl Path {
    pub(crate) fn id(&self) -> PathId {
        PathId(self.0.handle())
    }

    pub(crate) fn parent(&self) -> Option<&Path> {
        match self.0.as_key() {
            PathData::Root(_) => None,
            PathData::Child(parent, _) => Some(parent),
        }
    }
}

/// Prints the names from the root on, as in `#1::net::Socket`.
impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.as_key() {
            PathData::Root(FileId(number)) => write!(f, "#{number}"),
            PathData::Child(parent, name) => write!(f, "{parent}::{name}"),
        }
    }
}

/// The interner. Needs no `&mut`, so that anybody who can see it can make paths.
#[derive(Default)]
pub(crate) struct Paths {
    table: RcHashMap<PathData, ()>,
}

impl Paths {
    pub(crate) fn root(&self, file: FileId) -> Path {
        self.intern(&PathQuery::Root(file))
    }

    pub(crate) fn child(&self, parent: &Path, name: &str) -> Path {
        self.intern(&PathQuery::Child(parent, name))
    }

    fn intern(&self, query: &PathQuery<'_>) -> Path {
        Path(self.table.find_or_insert_ref(query, |_| ()))
    }

    /// The inverse query: the path with this id, if somebody still holds it.
    pub(crate) fn resolve(&self, id: PathId) -> Option<Path> {
        self.table.resolve(id.0).map(Path)
    }

    pub(crate) fn len(&self) -> usize {
        self.table.len()
    }

    pub(crate) fn capacity(&self) -> usize {
        self.table.capacity()
    }
}

/// What an editor keeps: the definitions of each file, as of its last revision.
#[derive(Default)]
pub(crate) struct Workspace {
    pub(crate) paths: Paths,
    files: BTreeMap<FileId, Vec<Path>>,
}

impl Workspace {
    /// Reads a file anew. The revision before is dropped once the new one stands, so paths that both
    /// define stay the same entries; those that are gone are freed before this returns.
    pub(crate) fn edit(&mut self, file: FileId, definitions: &[&str]) {
        let root = self.paths.root(file);
        let definitions = definitions.iter().map(|definition| {
            let names = definition.split("::");
            names.fold(root.clone(), |parent, name| self.paths.child(&parent, name))
        });
        let revision = definitions.collect();
        self.files.insert(file, revision);
    }

    pub(crate) fn close(&mut self, file: FileId) {
        self.files.remove(&file);
    }

    /// Some definition of a file, by its name as printed.
    pub(crate) fn definition(&self, file: FileId, name: &str) -> Option<&Path> {
        self.files.get(&file)?.iter().find(|path| path.to_string() == name)
    }

    /// The ids of all definitions and of what is above them: exactly what should be in the table.
    pub(crate) fn reachable(&self) -> HashSet<PathId> {
        let definitions = self.files.values().flatten();
        definitions
            .flat_map(|path| std::iter::successors(Some(path), |path| path.parent()))
            .map(Path::id)
            .collect()
    }
}

fn main() {
    let mut workspace = Workspace::default();
    let file = FileId(1);
    let show = |what: &str, workspace: &Workspace| {
        let (live, capacity) = (workspace.paths.len(), workspace.paths.capacity());
        assert_eq!(live, workspace.reachable().len());
        println!("{what:<34} {live:>3} paths live, room for {capacity}");
    };

    workspace.edit(file, &["net::Socket::bind", "net::Socket::close", "net::Address"]);
    show("a file with three definitions", &workspace);
    let kept = workspace.definition(file, "#1::net::Socket::bind").unwrap().id();
    let renamed = workspace.definition(file, "#1::net::Address").unwrap().id();

    workspace.edit(file, &["net::Socket::bind", "net::Socket::close", "net::Endpoint"]);
    show("one of them renamed", &workspace);
    let endpoint = workspace.definition(file, "#1::net::Endpoint").unwrap().id();
    println!("  kept:    {kept:?} is still {}", workspace.paths.resolve(kept).unwrap());
    println!("  gone:    {renamed:?} resolves to {:?}", workspace.paths.resolve(renamed).map(drop));

    workspace.edit(file, &["net::Socket::bind", "net::Socket::close", "net::Peer"]);
    show("and again", &workspace);
    let peer = workspace.definition(file, "#1::net::Peer").unwrap().id();
    println!("  places are used again, ids are not: {renamed:?}, {endpoint:?}, {peer:?}");

    for revision in 0..100_000 {
        let temporary = format!("net::temporary_{revision}");
        workspace.edit(file, &["net::Socket::bind", "net::Socket::close", &temporary]);
    }
    show("after 100 000 more revisions", &workspace);

    workspace.close(file);
    show("file closed", &workspace);
}
