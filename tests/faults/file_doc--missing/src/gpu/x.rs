// A comment is not documentation.
pub struct X;
