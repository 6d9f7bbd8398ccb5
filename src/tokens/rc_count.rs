//! The strong count of an `Rc`, as a count that is paid for with tokens.

use alloc::rc::{Rc, Weak};
use core::mem::ManuallyDrop;
use core::ptr::NonNull;

use super::Token;

/// The strong count of the `Rc` that a value lies in.
///
/// It lets every entry hold its map's memory with a token of no size instead of an `Rc`. It does not
/// implement [`Count`](super::Count): giving back the last token frees the value, so a safe `put`
/// with a token of another count would free memory that is in use, and a `put(&self)` would free
/// what its own argument refers to.
pub(crate) struct RcCount<T>(NonNull<T>);

impl<T> Clone for RcCount<T> {
    #[inline]
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for RcCount<T> {}

impl<T> PartialEq for RcCount<T> {
    #[inline]
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

impl<T> RcCount<T> {
    #[inline]
    pub(crate) fn of(rc: &Rc<T>) -> Self {
        // SAFETY: the pointer of an `Rc` is not null. `as_ptr` carries the provenance of the whole
        // allocation, counts included, which a `&T` would not.
        Self(unsafe { NonNull::new_unchecked(Rc::as_ptr(rc).cast_mut()) })
    }

    /// # Safety
    ///
    /// The pointer came from `as_ptr`.
    #[inline]
    pub(crate) unsafe fn from_ptr(value: *const T) -> Self {
        // SAFETY: `as_ptr` gives no null.
        Self(unsafe { NonNull::new_unchecked(value.cast_mut()) })
    }

    #[inline]
    pub(crate) fn as_ptr(self) -> *const T {
        self.0.as_ptr()
    }

    /// Raises the strong count; an overflow aborts.
    ///
    /// # Safety
    ///
    /// The strong count is not zero.
    #[inline]
    pub(crate) unsafe fn get(self) -> Token {
        // SAFETY: the pointer came from `Rc::as_ptr`, and the caller keeps the value alive.
        unsafe { Rc::increment_strong_count(self.as_ptr()) };
        Token::mint()
    }

    /// Lowers the strong count, and frees the value with the last unit.
    ///
    /// # Safety
    ///
    /// The token came from `get` of this count, and the caller holds no reference that it uses
    /// again, and no function argument that refers, into what the value owns.
    #[inline]
    pub(crate) unsafe fn put(self, token: Token) {
        token.consume();
        // SAFETY: the token stands for one unit, and it has just been consumed.
        unsafe { Rc::decrement_strong_count(self.as_ptr()) };
    }

    /// A weak pointer to the value.
    ///
    /// # Safety
    ///
    /// The strong count is not zero.
    pub(crate) unsafe fn downgrade(self) -> Weak<T> {
        // SAFETY: the pointer came from `Rc::as_ptr`; `ManuallyDrop` leaves the count as it is.
        let rc = ManuallyDrop::new(unsafe { Rc::from_raw(self.as_ptr()) });
        Rc::downgrade(&rc)
    }
}
