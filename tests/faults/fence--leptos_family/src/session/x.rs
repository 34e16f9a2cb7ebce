//! A crate of the same family.
use leptos_router::components::Router;
