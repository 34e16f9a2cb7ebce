//! A leading `::`.
fn main() {
    ::gemscope::gpu::start();
}
