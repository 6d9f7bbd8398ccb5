//! Crash-test keys, values and hashers: they count births, clones and drops, and run what a test has
//! scripted for the n-th time that the map calls them.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::fmt;
use std::hash::{BuildHasher, Hash, Hasher};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::rc::{Rc, Weak};

use rcmap::{Equivalent, RcHashMap, Ref, WeakRef};

pub(crate) type Map = RcHashMap<Key, Value, Build>;
pub(crate) type R = Ref<Key, Value, Build>;
pub(crate) type W = WeakRef<Key, Value, Build>;

/// Where a map calls the user's code.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Point {
    BuildHasher,
    Hash,
    Eq,
    /// A constructor of a value.
    Make,
    /// A constructor of a key: `From`.
    From,
    DropKey,
    DropValue,
    Fmt,
    Clone,
}

impl Point {
    pub(crate) const ALL: [Self; 9] = [
        Self::BuildHasher,
        Self::Hash,
        Self::Eq,
        Self::Make,
        Self::From,
        Self::DropKey,
        Self::DropValue,
        Self::Fmt,
        Self::Clone,
    ];
}

/// What a scripted panic throws. It goes past the panic hook, so it prints nothing.
pub(crate) struct Scripted;

/// Throws [`Scripted`], unless the thread unwinds already: that would end the process.
pub(crate) fn scripted_panic() {
    if !std::thread::panicking() {
        resume_unwind(Box::new(Scripted));
    }
}

/// What came out of a call that may panic.
pub(crate) fn attempt<T>(call: impl FnOnce() -> T) -> Result<T, Box<dyn Any + Send>> {
    catch_unwind(AssertUnwindSafe(call))
}

/// Asserts that a call ends in a scripted panic.
#[track_caller]
pub(crate) fn assert_scripted_panic<T>(call: impl FnOnce() -> T) {
    match attempt(call) {
        Ok(_) => panic!("the scripted panic did not come out"),
        Err(payload) => assert!(payload.is::<Scripted>(), "another panic came out"),
    }
}

/// Asserts that a call panics with a message that contains `part`.
#[track_caller]
pub(crate) fn assert_panics_with<T>(part: &str, call: impl FnOnce() -> T) {
    let Err(payload) = attempt(call) else { panic!("no panic about {part:?}") };
    let message = payload
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| payload.downcast_ref::<&str>().copied())
        .unwrap_or("(no message)");
    assert!(message.contains(part), "{message:?} does not mention {part:?}");
}

/// One thing that happened to a key or a value.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Event {
    KeyBorn(u32),
    ValueBorn(u32),
    KeyDropped(u32),
    ValueDropped(u32),
}

struct Hook {
    point: Point,
    /// Visits until it fires.
    left: u32,
    action: Box<dyn FnOnce()>,
}

#[derive(Default)]
struct State {
    next: Cell<u32>,
    hooks: RefCell<Vec<Hook>>,
    visits: RefCell<BTreeMap<Point, u32>>,
    log: RefCell<Vec<Event>>,
    alive: RefCell<BTreeMap<u32, &'static str>>,
    faults: RefCell<Vec<String>>,
    destructors: Cell<u32>,
    deepest: Cell<u32>,
    lies: Cell<u32>,
    holders: RefCell<Vec<Weak<RefCell<Vec<R>>>>>,
}

/// What the crash-test objects of one test share: the script, the log and the books.
#[derive(Clone, Default)]
pub(crate) struct World(Rc<State>);

impl World {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// Runs `action` at the `nth` visit (1 is the next one) to `point`.
    pub(crate) fn at(&self, point: Point, nth: u32, action: impl FnOnce() + 'static) {
        assert!(nth > 0, "the next visit is the first");
        let hook = Hook { point, left: nth, action: Box::new(action) };
        self.0.hooks.borrow_mut().push(hook);
    }

    pub(crate) fn panic_at(&self, point: Point, nth: u32) {
        self.at(point, nth, scripted_panic);
    }

    /// Forgets what is scripted and has not run. Scripts may own `Ref`s, so this may run destructors.
    pub(crate) fn disarm(&self) {
        let hooks = self.0.hooks.take();
        drop(hooks);
    }

    pub(crate) fn armed(&self) -> usize {
        self.0.hooks.borrow().len()
    }

    /// The next `n` comparisons answer the opposite.
    pub(crate) fn lie(&self, n: u32) {
        self.0.lies.set(n);
    }

    pub(crate) fn visit(&self, point: Point) {
        *self.0.visits.borrow_mut().entry(point).or_default() += 1;
        let mut due = Vec::new();
        {
            let mut hooks = self.0.hooks.borrow_mut();
            for hook in hooks.iter_mut().filter(|hook| hook.point == point) {
                hook.left -= 1;
            }
            while let Some(position) = hooks.iter().position(|hook| hook.left == 0) {
                due.push(hooks.remove(position).action);
            }
        }
        for action in due {
            action();
        }
    }

    pub(crate) fn visits(&self, point: Point) -> u32 {
        self.0.visits.borrow().get(&point).copied().unwrap_or(0)
    }

    fn born(&self, what: &'static str) -> u32 {
        let id = self.0.next.get();
        self.0.next.set(id + 1);
        self.0.alive.borrow_mut().insert(id, what);
        id
    }

    fn bury(&self, id: u32, event: Event) {
        if self.0.alive.borrow_mut().remove(&id).is_none() {
            self.0.faults.borrow_mut().push(format!("dropped twice: {event:?}"));
        }
        self.note(event);
    }

    fn note(&self, event: Event) {
        self.0.log.borrow_mut().push(event);
    }

    /// The events since the last call.
    pub(crate) fn take_log(&self) -> Vec<Event> {
        self.0.log.take()
    }

    /// The number of keys and values that were born and not dropped.
    pub(crate) fn alive(&self) -> usize {
        self.0.alive.borrow().len()
    }

    pub(crate) fn alive_keys(&self) -> usize {
        self.0.alive.borrow().values().filter(|what| **what == "key").count()
    }

    /// How deep destructors of keys and values have been nested at most.
    pub(crate) fn deepest(&self) -> u32 {
        self.0.deepest.get()
    }

    /// Asserts that nothing was dropped twice and that `alive` keys and values are left.
    #[track_caller]
    pub(crate) fn assert_alive(&self, alive: usize) {
        let faults = self.0.faults.borrow();
        assert!(faults.is_empty(), "{faults:?}");
        let left = self.0.alive.borrow();
        assert_eq!(left.len(), alive, "alive: {left:?}");
    }

    /// The `Ref`s that values hold.
    pub(crate) fn held(&self) -> Vec<R> {
        let holders: Vec<_> = self.0.holders.borrow().iter().filter_map(Weak::upgrade).collect();
        let mut all = Vec::new();
        for holder in holders {
            all.extend(holder.borrow().iter().cloned());
        }
        all
    }

    /// Empties every value that is alive, which breaks cycles.
    pub(crate) fn release_all(&self) {
        loop {
            let holders: Vec<_> =
                self.0.holders.borrow().iter().filter_map(Weak::upgrade).collect();
            let held: Vec<Vec<R>> = holders.iter().map(|holder| holder.take()).collect();
            drop(holders);
            if held.iter().all(Vec::is_empty) {
                return;
            }
            drop(held);
        }
    }

    fn lied(&self, truth: bool) -> bool {
        let lies = self.0.lies.get();
        if lies == 0 {
            return truth;
        }
        self.0.lies.set(lies - 1);
        !truth
    }

    fn in_destructor<T>(&self, run: impl FnOnce() -> T) -> T {
        struct Leave<'a>(&'a World);
        impl Drop for Leave<'_> {
            fn drop(&mut self) {
                self.0.0.destructors.set(self.0.0.destructors.get() - 1);
            }
        }
        let depth = self.0.destructors.get() + 1;
        self.0.destructors.set(depth);
        self.0.deepest.set(self.0.deepest.get().max(depth));
        let _leave = Leave(self);
        run()
    }
}

/// A key. Equality and hash go by `name`; `stamp` tells two keys of one name apart.
pub(crate) struct Key {
    world: World,
    id: u32,
    pub(crate) name: u32,
    pub(crate) stamp: u32,
}

impl Key {
    pub(crate) fn new(world: &World, name: u32) -> Self {
        Self::stamped(world, name, name)
    }

    pub(crate) fn stamped(world: &World, name: u32, stamp: u32) -> Self {
        world.note(Event::KeyBorn(stamp));
        Self { world: world.clone(), id: world.born("key"), name, stamp }
    }
}

impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.world.visit(Point::Hash);
        state.write_u32(self.name);
    }
}

impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        self.world.visit(Point::Eq);
        self.world.lied(self.name == other.name)
    }
}

impl Eq for Key {}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.world.visit(Point::Fmt);
        write!(f, "k{}", self.name)
    }
}

impl Clone for Key {
    fn clone(&self) -> Self {
        self.world.visit(Point::Clone);
        Self::stamped(&self.world, self.name, self.stamp)
    }
}

impl Drop for Key {
    fn drop(&mut self) {
        let world = self.world.clone();
        world.bury(self.id, Event::KeyDropped(self.stamp));
        world.in_destructor(|| world.visit(Point::DropKey));
    }
}

/// What keys are looked up with, without making one.
pub(crate) struct Query {
    pub(crate) world: World,
    pub(crate) name: u32,
    /// The stamp of the key that `From` makes.
    pub(crate) stamp: u32,
}

impl Query {
    pub(crate) fn new(world: &World, name: u32) -> Self {
        Self { world: world.clone(), name, stamp: name }
    }
}

impl Hash for Query {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.world.visit(Point::Hash);
        state.write_u32(self.name);
    }
}

impl Equivalent<Key> for Query {
    fn equivalent(&self, key: &Key) -> bool {
        self.world.visit(Point::Eq);
        self.world.lied(self.name == key.name)
    }
}

impl<'q> From<&'q Query> for Key {
    fn from(query: &'q Query) -> Self {
        query.world.visit(Point::From);
        Self::stamped(&query.world, query.name, query.stamp)
    }
}

/// A value, which can hold `Ref`s.
pub(crate) struct Value {
    world: World,
    id: u32,
    pub(crate) stamp: u32,
    pub(crate) number: u32,
    pub(crate) held: Rc<RefCell<Vec<R>>>,
}

impl Value {
    pub(crate) fn new(world: &World, stamp: u32) -> Self {
        world.note(Event::ValueBorn(stamp));
        let held = Rc::new(RefCell::new(Vec::new()));
        {
            let mut holders = world.0.holders.borrow_mut();
            // Now and then, so that a long test does not drown in dead ones.
            if holders.len() == holders.capacity() {
                holders.retain(|holder| holder.strong_count() > 0);
            }
            holders.push(Rc::downgrade(&held));
        }
        Self { world: world.clone(), id: world.born("value"), stamp, number: stamp, held }
    }

    pub(crate) fn holding(world: &World, stamp: u32, held: impl IntoIterator<Item = R>) -> Self {
        let value = Self::new(world, stamp);
        value.held.borrow_mut().extend(held);
        value
    }

    /// As a constructor that the map calls would.
    pub(crate) fn made(world: &World, stamp: u32) -> Self {
        world.visit(Point::Make);
        Self::new(world, stamp)
    }
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.world.visit(Point::Fmt);
        write!(f, "v{}", self.number)
    }
}

impl Drop for Value {
    fn drop(&mut self) {
        /// Lets go of what the value holds inside of the destructor, also when the script panics.
        struct LetGo<'a>(&'a RefCell<Vec<R>>);
        impl Drop for LetGo<'_> {
            fn drop(&mut self) {
                let held = self.0.take();
                drop(held);
            }
        }
        let world = self.world.clone();
        world.bury(self.id, Event::ValueDropped(self.stamp));
        world.in_destructor(|| {
            let _let_go = LetGo(&self.held);
            world.visit(Point::DropValue);
        });
    }
}

/// How a [`Build`] hashes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Mood {
    Fair,
    /// Everything collides.
    Constant,
    /// No two hashes of one key agree.
    Fickle,
}

/// A hasher that visits [`Point::BuildHasher`] and can be fair, constant or fickle.
pub(crate) struct Build {
    world: World,
    mood: Rc<Cell<Mood>>,
    count: Cell<u64>,
}

impl Build {
    pub(crate) fn new(world: &World, mood: Mood) -> Self {
        Self { world: world.clone(), mood: Rc::new(Cell::new(mood)), count: Cell::new(0) }
    }

    /// Changes its mind.
    pub(crate) fn set_mood(&self, mood: Mood) {
        self.mood.set(mood);
    }
}

impl BuildHasher for Build {
    type Hasher = Mix;

    fn build_hasher(&self) -> Mix {
        self.world.visit(Point::BuildHasher);
        let count = self.count.get() + 1;
        self.count.set(count);
        let salt = if self.mood.get() == Mood::Fickle { count } else { 0x51ed };
        Mix { constant: self.mood.get() == Mood::Constant, state: salt }
    }
}

/// A small hasher: multiply and rotate.
pub(crate) struct Mix {
    constant: bool,
    state: u64,
}

impl Hasher for Mix {
    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            let mixed = (self.state ^ u64::from(byte)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            self.state = mixed.rotate_left(29);
        }
    }

    fn finish(&self) -> u64 {
        if self.constant { 0 } else { self.state.wrapping_mul(0xd6e8_feb8_6659_fd93) }
    }
}

/// A map of crash-test objects.
pub(crate) fn map_of(world: &World, mood: Mood) -> Map {
    RcHashMap::with_hasher(Build::new(world, mood))
}

/// Inserts a key `name` with a value of that number.
#[track_caller]
pub(crate) fn put(world: &World, map: &Map, name: u32) -> R {
    let inserted = map.insert(Key::new(world, name), Value::new(world, name));
    inserted.expect("the key is new")
}

/// Asserts the map's own invariants, in builds that have them.
pub(crate) fn check<K, V, S>(map: &RcHashMap<K, V, S>) {
    #[cfg(any(fuzzing, debug_assertions))]
    map.check_invariants();
    #[cfg(not(any(fuzzing, debug_assertions)))]
    let _: &RcHashMap<K, V, S> = map;
}
