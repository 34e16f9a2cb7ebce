//! Eight things to give in the right order.
pub struct X;
impl X {
    fn x(&self, a: u8, b: u8, c: u8, d: u8, e: u8, f: u8, g: u8, h: u8) {}
}
