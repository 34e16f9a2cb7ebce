//! Sets fetched from the test Hub into a store in memory, on one clock that a test moves: whole, broken, killed, full, watched by two.

mod bridge;
mod faults;
mod kills;
mod order;
mod priced;
mod schedules;
mod sets;
mod tabs;
mod whole;
mod world;
