//! Counts that are paid for with tokens.
//!
//! Whoever raises a [`Count`] receives a [`Token`], and to lower it a token has to be handed back.
//! Tokens are linear: they have no size, cannot be cloned, copied or made, and dropping one is a
//! mistake that is reported. So a count that is wrong is a token that was lost, and that shows.
//!
//! A token without a size cannot say which count it came from. The counts of this module that safe
//! code can reach are therefore never what memory safety rests on: a token put back to another
//! count makes both wrong, and nothing else.
//!
//! ```
//! use rcmap::tokens::{Count, UsizeCount};
//!
//! let count = UsizeCount::new();
//! let first = count.get();
//! let second = count.get();
//! assert_eq!(count.count(), 2);
//! assert!(!count.put(first));
//! assert!(count.put(second), "that was the last one");
//! ```
#![deny(unsafe_code)]

#[allow(
    unsafe_code,
    reason = "strong counts of an `Rc` are raised and lowered through a raw pointer"
)]
mod rc_count;

use core::cell::Cell;
use core::fmt;
use core::marker::PhantomData;
use core::mem;

pub(crate) use rc_count::RcCount;

/// One unit of a [`Count`], to be handed back to the count that it came from.
///
/// It has no size, is neither `Clone` nor `Copy`, and only a count can make one.
///
/// # Panics
///
/// Dropping a token panics: it is a mistake of the caller. While the thread unwinds already, and
/// without the feature `std` (where that cannot be seen), the token is lost silently, and the count
/// stays one too high. So it is in a thread-local variable when the thread ends, if the variable was used before
/// the thread's first token was minted. (Of one that was used later it cannot be told.)
///
/// ```
/// use rcmap::tokens::{Count, UsizeCount};
///
/// let count = UsizeCount::new();
/// let token = count.get();
/// assert_eq!(size_of_val(&token), 0);
/// count.put(token);
/// ```
///
/// A token cannot be made from nothing:
///
/// ```compile_fail,E0451
/// let forged = rcmap::Token { not_send: std::marker::PhantomData };
/// ```
#[must_use = "a token that is dropped is lost to its count: put it back"]
pub struct Token {
    not_send: PhantomData<*mut ()>,
}

const _: () = assert!(size_of::<Token>() == 0);

impl Token {
    fn mint() -> Self {
        Self { not_send: PhantomData }
    }

    pub(crate) fn consume(self) {
        mem::forget(self);
    }
}

impl Drop for Token {
    fn drop(&mut self) {
        #[cfg(feature = "std")]
        if !std::thread::panicking() && thread::is_running() {
            panic!("a token was dropped instead of being put back to its count");
        }
    }
}

/// Whether the thread runs, or ends: a panic in a destructor of a thread-local variable would end the process.
#[cfg(feature = "std")]
mod thread {
    struct Running;

    /// Only what has a destructor is destroyed.
    impl Drop for Running {
        fn drop(&mut self) {}
    }

    std::thread_local!(static RUNNING: Running = const { Running });

    /// Thread-local variables are destroyed in the reverse order of their first use, so this one goes before
    /// those that were used before the first call.
    pub(super) fn is_running() -> bool {
        RUNNING.try_with(|_| ()).is_ok()
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token")
    }
}

/// A count whose every unit is backed by a [`Token`].
///
/// ```
/// use rcmap::{Count, UsizeCount};
///
/// fn borrow_briefly(count: &impl Count) {
///     let token = count.get();
///     count.put(token);
/// }
///
/// let count = UsizeCount::new();
/// borrow_briefly(&count);
/// assert!(count.is_zero());
/// ```
pub trait Count {
    /// Raises the count by one and mints the token for it.
    ///
    /// An overflow aborts the process, as it does for `Rc`.
    fn get(&self) -> Token;

    /// Lowers the count by one, consuming the token for it, and says whether it is zero now.
    ///
    /// # Panics
    ///
    /// May panic if the count is zero already, which takes a token of another count.
    fn put(&self, token: Token) -> bool;
}

/// The count of one entry.
///
/// Counts up to 2³² − 1, in four bytes; one more aborts the process, as an overflow of `Rc` does.
///
/// ```
/// use rcmap::{Count, UsizeCount};
///
/// let count = UsizeCount::new();
/// let token = count.get();
/// assert_eq!(count.count(), 1);
/// assert!(count.put(token));
/// assert!(count.is_zero());
/// ```
#[derive(Default)]
pub struct UsizeCount {
    count: Cell<u32>,
}

/// It is changed in one step.
impl core::panic::RefUnwindSafe for UsizeCount {}

impl UsizeCount {
    /// A count of zero, with no token out.
    ///
    /// ```
    /// assert!(rcmap::UsizeCount::new().is_zero());
    /// ```
    #[must_use]
    pub const fn new() -> Self {
        Self { count: Cell::new(0) }
    }

    /// The number of tokens that are out.
    ///
    /// ```
    /// assert_eq!(rcmap::UsizeCount::new().count(), 0);
    /// ```
    #[must_use]
    #[inline]
    pub fn count(&self) -> usize {
        self.count.get() as usize
    }

    /// Whether no token is out.
    ///
    /// ```
    /// assert!(rcmap::UsizeCount::new().is_zero());
    /// ```
    #[must_use]
    #[inline]
    pub fn is_zero(&self) -> bool {
        self.count.get() == 0
    }

    /// A count of one, and the token for it.
    #[inline]
    pub(crate) fn one() -> (Self, Token) {
        (Self { count: Cell::new(1) }, Token::mint())
    }

    #[cold]
    #[inline(never)]
    fn overflow(&self) -> ! {
        // Undone first: a panic hook may run before the process ends, and look at the count.
        self.count.set(u32::MAX);
        abort()
    }

    /// Like `get`, for a count that is not zero. It looks at the count before it writes, so that a compiler that sees
    /// the `put_own` in the same function knows that the count is what it was, and leaves out both writes.
    #[inline]
    pub(crate) fn get_another(&self) -> Token {
        let count = self.count.get().wrapping_add(1);
        if count < 2 {
            abort();
        }
        self.count.set(count);
        Token::mint()
    }

    /// Like `put`, for those who know that the token is of this count: saves the check for zero.
    #[inline]
    pub(crate) fn put_own(&self, token: Token) -> bool {
        token.consume();
        let count = self.count.get();
        debug_assert!(count != 0, "a token of this count was out");
        self.count.set(count.wrapping_sub(1));
        count == 1
    }
}

impl Count for UsizeCount {
    #[inline]
    fn get(&self) -> Token {
        #[cfg(feature = "std")]
        thread::is_running();
        let count = self.count.get().wrapping_add(1);
        self.count.set(count);
        if count == 0 {
            self.overflow();
        }
        Token::mint()
    }

    #[inline]
    fn put(&self, token: Token) -> bool {
        token.consume();
        let Some(count) = self.count.get().checked_sub(1) else { foreign_token() };
        self.count.set(count);
        count == 0
    }
}

impl fmt::Debug for UsizeCount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("UsizeCount").field(&self.count()).finish()
    }
}

#[cold]
#[inline(never)]
fn foreign_token() -> ! {
    panic!("a token was put to a count that is zero: it came from another one")
}

/// Ends the process: a count that wrapped would free what is in use.
#[cfg(feature = "std")]
#[cold]
#[inline(never)]
fn abort() -> ! {
    std::process::abort()
}

/// Ends the process, by panicking while panicking.
#[cfg(not(feature = "std"))]
#[cold]
#[inline(never)]
fn abort() -> ! {
    struct PanicAgain;
    impl Drop for PanicAgain {
        fn drop(&mut self) {
            panic!("the count of an entry overflowed");
        }
    }
    let _again = PanicAgain;
    panic!("the count of an entry overflowed")
}

#[cfg(all(test, feature = "std"))]
mod tests {
    use super::{Count, UsizeCount};
    use std::panic::{AssertUnwindSafe, catch_unwind};

    #[test]
    fn a_lost_token_panics() {
        let count = UsizeCount::new();
        let lost = catch_unwind(AssertUnwindSafe(|| drop(count.get())));
        assert!(lost.is_err());
        assert_eq!(count.count(), 1, "the unit is leaked");
    }

    #[test]
    fn a_token_lost_while_unwinding_does_not_abort() {
        let count = UsizeCount::new();
        let unwound = catch_unwind(AssertUnwindSafe(|| {
            let _held = (count.get(), count.get());
            panic!("unwinding drops both tokens");
        }));
        assert!(unwound.is_err());
        assert_eq!(count.count(), 2);
    }

    #[test]
    fn a_foreign_token_is_refused_at_zero() {
        let (rich, poor) = (UsizeCount::new(), UsizeCount::new());
        let token = rich.get();
        let refused = catch_unwind(AssertUnwindSafe(|| poor.put(token)));
        assert!(refused.is_err());
        assert_eq!((rich.count(), poor.count()), (1, 0));
    }
}
