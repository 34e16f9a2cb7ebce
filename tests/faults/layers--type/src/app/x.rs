//! A view that holds a tensor.
pub struct View {
    run: Option<Box<crate::model::Run>>,
}
