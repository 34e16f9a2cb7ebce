//! The checksum of zip files, for those that are written here.

/// CRC-32 of bytes that come piece by piece. Source: ISO 3309, polynomial 0xedb88320 reflected; four bytes at a time by tables.
#[derive(Clone, Copy, Debug)]
pub(super) struct Crc32(u32);

const TABLES: [[u32; 256]; 4] = tables();

impl Crc32 {
    /// Of no bytes.
    pub fn new() -> Self {
        Self(!0)
    }

    /// Adds bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        let (words, rest) = bytes.as_chunks::<4>();
        let mut crc = self.0;
        for it in words {
            let [a, b, c, d] = (crc ^ u32::from_le_bytes(*it)).to_le_bytes();
            crc = TABLES[3][a as usize]
                ^ TABLES[2][b as usize]
                ^ TABLES[1][c as usize]
                ^ TABLES[0][d as usize];
        }
        for it in rest {
            crc = crc >> 8 ^ TABLES[0][(crc as u8 ^ it) as usize];
        }
        self.0 = crc;
    }

    /// The checksum so far.
    pub fn value(self) -> u32 {
        !self.0
    }
}

const fn tables() -> [[u32; 256]; 4] {
    let mut out = [[0; 256]; 4];
    let mut byte = 0;
    while byte < 256 {
        let (mut crc, mut bit) = (byte as u32, 0);
        while bit < 8 {
            crc = crc >> 1 ^ if crc & 1 == 1 { 0xedb8_8320 } else { 0 };
            bit += 1;
        }
        out[0][byte] = crc;
        byte += 1;
    }
    let mut n = 256;
    while n < 1024 {
        let before: u32 = out[n / 256 - 1][n % 256];
        out[n / 256][n % 256] = before >> 8 ^ out[0][(before & 0xff) as usize];
        n += 1;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_known_value_whatever_the_pieces() {
        // Source: the check value of CRC-32/ISO-HDLC.
        for cut in 0..=9 {
            let (first, second) = b"123456789".split_at(cut);
            let mut crc = Crc32::new();
            crc.update(first);
            crc.update(second);
            assert_eq!(crc.value(), 0xcbf4_3926, "{cut}");
        }
    }
}
