//! What changes in a view, behind one type for each kind: views are generic, and every closure of its own would be another copy of them
//! in the page's program.

use leptos::{ev, prelude::*};

/// A text that changes.
pub(super) type Text = Box<dyn FnMut() -> String + Send>;
/// A part of a view that changes.
pub(super) type Part = Box<dyn FnMut() -> AnyView + Send>;
/// Yes or no, as it changes.
pub(super) type Flag = Box<dyn FnMut() -> bool + Send>;
/// What a click does.
pub(super) type Click = Box<dyn FnMut(ev::MouseEvent)>;

/// A text that follows what it reads.
pub(super) fn text<T: Into<String>>(it: impl Fn() -> T + Send + 'static) -> Text {
    Box::new(move || it().into())
}

/// A part that follows what it reads.
pub(super) fn part<T: IntoAny>(it: impl Fn() -> T + Send + 'static) -> Part {
    Box::new(move || it().into_any())
}

/// A class or an attribute that is there or not.
pub(super) fn flag(it: impl Fn() -> bool + Send + 'static) -> Flag {
    Box::new(it)
}

/// A value that is made anew when what it reads has changed; told only when it differs.
pub(super) fn memo<T: PartialEq + Send + Sync + 'static>(
    it: impl Fn() -> T + Send + Sync + 'static,
) -> Memo<T> {
    boxed(Box::new(it))
}

fn boxed<T: PartialEq + Send + Sync + 'static>(it: Box<dyn Fn() -> T + Send + Sync>) -> Memo<T> {
    Memo::new(move |_| it())
}

/// For `on:click`.
pub(super) fn click(it: impl Fn() + 'static) -> Click {
    Box::new(move |_| it())
}
