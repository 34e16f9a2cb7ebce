//! A signal below the roof.
use leptos::prelude::*;
