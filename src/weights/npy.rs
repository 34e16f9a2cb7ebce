//! The header of an array of numpy: its type and shape. Leaves where in a file it lies to `zip`.
//!
//! Source: numpy, `numpy.lib.format`, versions 1.0, 2.0 and 3.0. The dictionary in it is a literal of Python with three keys.

use super::WeightsError;
use crate::spec::DType;

/// Bytes that tell how long a header is.
pub const FIRST_BYTES: usize = 12;

const MAGIC: &[u8] = b"\x93NUMPY";
/// Headers of plain arrays have 128 bytes; numpy itself warns above 10,000.
const MAX_HEADER_BYTES: u64 = 10_000;

/// What an array says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NpyHeader {
    /// Type of its elements.
    pub dtype: DType,
    /// Its shape, outermost first.
    pub shape: Vec<u64>,
    /// Bytes before the first element.
    pub extent: u64,
}

impl NpyHeader {
    /// Bytes of the header from the first ones of an entry.
    ///
    /// Errors: [`WeightsError::Npy`].
    pub fn extent(file: &str, entry: &str, first: &[u8]) -> Result<u64, WeightsError> {
        let text = text_range(first).map_err(|it| error(file, entry, it))?;
        Ok(text.1)
    }

    /// Reads the header from the first bytes of an entry, which may go on beyond it.
    ///
    /// Errors: [`WeightsError::Npy`], [`WeightsError::FortranOrder`], [`WeightsError::UnknownDType`].
    pub fn parse(file: &str, entry: &str, head: &[u8]) -> Result<Self, WeightsError> {
        let bad = |detail: &str| error(file, entry, detail);
        let (start, extent) = text_range(head).map_err(bad)?;
        let text = head.get(start as usize..extent as usize);
        let text = text.ok_or_else(|| bad("its header is cut short"))?;
        let text = str::from_utf8(text).map_err(|_| bad("its header is no text"))?;
        let literal = Literal::parse(text).ok_or_else(|| {
            bad("its header is not a dictionary of descr, fortran_order and shape")
        })?;
        if literal.fortran_order {
            return Err(WeightsError::FortranOrder {
                file: file.into(),
                entry: entry.into(),
            });
        }
        let dtype = match literal.descr {
            "<f4" => DType::F32,
            "<f2" => DType::F16,
            other => {
                return Err(WeightsError::UnknownDType {
                    file: file.into(),
                    tensor: entry.into(),
                    dtype: other.into(),
                });
            }
        };
        let shape = literal.shape;
        Ok(Self {
            dtype,
            shape,
            extent,
        })
    }
}

/// Where the text of a header begins and ends.
fn text_range(first: &[u8]) -> Result<(u64, u64), &'static str> {
    if !first.starts_with(MAGIC) {
        return Err("it does not begin with numpy's magic");
    }
    let field = |n_bytes: usize| first.get(8..8 + n_bytes);
    let (start, length) = match first.get(6) {
        Some(1) => (
            10,
            field(2).map(|it| u64::from(it[0]) | u64::from(it[1]) << 8),
        ),
        Some(2 | 3) => {
            let field = field(4).and_then(|it| it.first_chunk());
            (12, field.map(|it| u32::from_le_bytes(*it).into()))
        }
        Some(_) => return Err("its format is of an unknown version"),
        None => return Err("its header is cut short"),
    };
    match length {
        None => Err("its header is cut short"),
        Some(it) if it > MAX_HEADER_BYTES => Err("its header is longer than those of arrays are"),
        Some(it) => Ok((start, start + it)),
    }
}

fn error(file: &str, entry: &str, detail: &str) -> WeightsError {
    WeightsError::Npy {
        file: file.into(),
        entry: entry.into(),
        detail: detail.into(),
    }
}

/// The three values of the dictionary.
struct Literal<'a> {
    descr: &'a str,
    fortran_order: bool,
    shape: Vec<u64>,
}

impl<'a> Literal<'a> {
    /// Each key once, in any order; nothing else.
    fn parse(text: &'a str) -> Option<Self> {
        let mut rest = Cursor(text);
        let (mut descr, mut fortran_order, mut shape) = (None, None, None);
        rest.eat('{')?;
        while rest.eat('}').is_none() {
            let key = rest.string()?;
            rest.eat(':')?;
            let is_new = match key {
                "descr" => descr.replace(rest.string()?).is_none(),
                "fortran_order" => fortran_order.replace(rest.truth()?).is_none(),
                "shape" => shape.replace(rest.tuple()?).is_none(),
                _ => false,
            };
            if !is_new || (rest.eat(',').is_none() && !rest.0.trim_start().starts_with('}')) {
                return None;
            }
        }
        rest.0.trim().is_empty().then_some(Self {
            descr: descr?,
            fortran_order: fortran_order?,
            shape: shape?,
        })
    }
}

/// What is left of a text.
struct Cursor<'a>(&'a str);

impl<'a> Cursor<'a> {
    fn eat(&mut self, it: char) -> Option<()> {
        self.0 = self.0.trim_start().strip_prefix(it)?;
        Some(())
    }

    /// A string without escapes, in quotes of either kind.
    fn string(&mut self) -> Option<&'a str> {
        let text = self.0.trim_start();
        let quote = text.chars().next().filter(|it| matches!(it, '\'' | '"'))?;
        let (it, rest) = text[1..].split_once(quote)?;
        self.0 = rest;
        (!it.contains('\\')).then_some(it)
    }

    fn truth(&mut self) -> Option<bool> {
        let text = self.0.trim_start();
        let (value, rest) = match text.strip_prefix("True") {
            Some(rest) => (true, rest),
            None => (false, text.strip_prefix("False")?),
        };
        self.0 = rest;
        Some(value)
    }

    /// `()`, `(5,)`, `(256, 64)`.
    fn tuple(&mut self) -> Option<Vec<u64>> {
        let (mut out, mut has_comma) = (Vec::new(), true);
        self.eat('(')?;
        while self.eat(')').is_none() {
            if !has_comma {
                return None;
            }
            out.push(self.number()?);
            has_comma = self.eat(',').is_some();
        }
        // Without a comma, parentheses around one number are no tuple.
        (out.len() != 1 || has_comma).then_some(out)
    }

    fn number(&mut self) -> Option<u64> {
        let text = self.0.trim_start();
        let end = text.find(|it: char| !it.is_ascii_digit());
        let (digits, rest) = text.split_at(end.unwrap_or(text.len()));
        self.0 = rest;
        digits.parse().ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(version: u8, text: &str) -> Vec<u8> {
        let mut out = MAGIC.to_vec();
        out.extend([version, 0]);
        match version {
            1 => out.extend((text.len() as u16).to_le_bytes()),
            _ => out.extend((text.len() as u32).to_le_bytes()),
        }
        out.extend(text.as_bytes());
        out
    }

    fn parse(version: u8, text: &str) -> Result<NpyHeader, WeightsError> {
        NpyHeader::parse("f", "W_enc.npy", &head(version, text))
    }

    #[test]
    fn every_version_and_spelling_is_read() {
        let numpy = "{'descr': '<f4', 'fortran_order': False, 'shape': (256, 64), }   \n";
        for (version, first) in [(1, 10), (2, 12), (3, 12)] {
            let got = parse(version, numpy).unwrap();
            assert_eq!((got.dtype, &got.shape[..]), (DType::F32, &[256, 64][..]));
            assert_eq!(got.extent, first + numpy.len() as u64);
        }
        let other = r#"{"shape":(5,),"fortran_order":False,"descr":"<f2"}"#;
        let got = parse(1, other).unwrap();
        assert_eq!((got.dtype, &got.shape[..]), (DType::F16, &[5][..]));
        let scalar = "{'descr': '<f4', 'fortran_order': False, 'shape': ()}";
        assert_eq!(parse(1, scalar).unwrap().shape, [0; 0]);
    }

    #[test]
    fn what_is_no_header_is_refused() {
        let cases = [
            "",
            "{}",
            "{'descr': '<f4', 'fortran_order': False}",
            "{'descr': '<f4', 'fortran_order': 0, 'shape': (1,)}",
            "{'descr': '<f4', 'fortran_order': False, 'shape': (1)}",
            "{'descr': '<f4', 'fortran_order': False, 'shape': (1 2)}",
            "{'descr': '<f4', 'fortran_order': False, 'shape': (-1,)}",
            "{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999,)}",
            "{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (1,)}",
            "{'descr': '<f4', 'fortran_order': False, 'shape': (1,), 'x': 'y'}",
            "{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,)}",
            "{'descr': '<f4', 'fortran_order': False, 'shape': (1,)} x",
            "{'descr': '<f4' 'fortran_order': False, 'shape': (1,)}",
        ];
        for text in cases {
            let got = parse(1, text);
            assert!(matches!(got, Err(WeightsError::Npy { .. })), "{text}");
        }
        assert!(parse(4, "{}").is_err());
        let whole = head(1, "{'descr': '<f4', 'fortran_order': False, 'shape': ()}");
        for n in 0..whole.len() {
            assert!(NpyHeader::parse("f", "e", &whole[..n]).is_err(), "{n}");
        }
        let got = NpyHeader::extent("f", "e", &head(2, &" ".repeat(10_001))[..12]);
        assert!(got.is_err());
    }

    #[test]
    fn other_types_and_fortran_order_are_named() {
        for dtype in ["<f8", ">f4", "|u1", "<i4"] {
            let text = format!("{{'descr': '{dtype}', 'fortran_order': False, 'shape': (1,)}}");
            let got = parse(1, &text);
            assert!(
                matches!(got, Err(WeightsError::UnknownDType { dtype: it, .. }) if it == dtype)
            );
        }
        let got = parse(
            1,
            "{'descr': '<f4', 'fortran_order': True, 'shape': (2, 2)}",
        );
        assert!(matches!(got, Err(WeightsError::FortranOrder { .. })));
    }
}
