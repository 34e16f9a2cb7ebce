//! A safetensors file written in place: its header is known before its numbers come, in pieces and any order. It appears
//! under its name only when it is whole.

use super::report::{failure, file_failure};
use crate::session::protocol::Failure;
use crate::spec::DType;
use serde_json::{Map, Value, json};
use std::fs::{self, File};
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// A tensor that a file will hold.
#[derive(Clone, Debug)]
pub struct Entry {
    pub name: String,
    pub dtype: DType,
    /// Outermost first.
    pub shape: Vec<usize>,
}

/// A name that nobody else writes to; the file under it goes away unless it is finished.
pub struct Draft {
    file: File,
    path: PathBuf,
    out: PathBuf,
    finished: bool,
}

/// A file whose header is written.
pub struct TensorFile {
    draft: Draft,
    tensors: Vec<Tensor>,
}

struct Tensor {
    entry: Entry,
    /// Of its first byte in the file.
    start: u64,
    n_written: u64,
}

impl Entry {
    fn size_bytes(&self) -> u64 {
        let n: u64 = self.shape.iter().map(|it| *it as u64).product();
        n * self.dtype.size_bytes() as u64
    }
}

impl Draft {
    /// Sees that `out` can be written, before anything else is done for it.
    ///
    /// Errors: the folder is not there or may not be written, or `out` is a folder.
    pub fn new(out: &Path) -> Result<Self, Failure> {
        let what = format!("`{}` can't be written.", out.display());
        let remedy = "Give a file in a folder that is there and that you may write to, with --out.";
        let name = out.file_name().filter(|_| !out.is_dir());
        let name = name
            .ok_or_else(|| failure(what.clone(), remedy))?
            .to_string_lossy();
        let path = out.with_file_name(format!(".{name}.{}.part", std::process::id()));
        let file = File::create_new(&path);
        let file = file.map_err(|it| file_failure(what, remedy, &it))?;
        Ok(Self {
            file,
            path,
            out: out.into(),
            finished: false,
        })
    }

    /// Writes the header and reserves room for the numbers.
    ///
    /// Errors: no room on the disk.
    pub fn with_tensors(
        mut self,
        entries: Vec<Entry>,
        metadata: &Value,
    ) -> Result<TensorFile, Failure> {
        let mut header = Map::from_iter([("__metadata__".to_string(), metadata.clone())]);
        let mut at = 0;
        for it in &entries {
            let end = at + it.size_bytes();
            let line = json!({ "dtype": it.dtype, "shape": it.shape, "data_offsets": [at, end] });
            header.insert(it.name.clone(), line);
            at = end;
        }
        let mut header = Value::Object(header).to_string();
        header.push_str(&" ".repeat(header.len().next_multiple_of(8) - header.len()));
        let mut start = 8 + header.len() as u64;
        let written = (self.file)
            .write_all(&(header.len() as u64).to_le_bytes())
            .and_then(|()| self.file.write_all(header.as_bytes()))
            .and_then(|()| self.file.set_len(start + at));
        written.map_err(|it| self.error(&it))?;
        let place = |entry: Entry| {
            let it = Tensor {
                start,
                n_written: 0,
                entry,
            };
            start += it.entry.size_bytes();
            it
        };
        let tensors = entries.into_iter().map(place).collect();
        Ok(TensorFile {
            draft: self,
            tensors,
        })
    }

    /// Writes bytes behind those that are there, for a file that is no safetensors or comes as one.
    ///
    /// Errors: no room on the disk.
    pub fn append(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        let written = self.file.write_all(bytes);
        written.map_err(|it| self.error(&it))
    }

    /// Gives the file its name; how many bytes it has.
    ///
    /// Errors: the disk.
    pub fn finish(mut self) -> Result<u64, Failure> {
        let size = self.file.sync_all().and_then(|()| self.file.metadata());
        let size = size.map_err(|it| self.error(&it))?.len();
        fs::rename(&self.path, &self.out).map_err(|it| self.error(&it))?;
        self.finished = true;
        Ok(size)
    }

    fn error(&self, error: &std::io::Error) -> Failure {
        let what = format!("`{}` can't be written.", self.out.display());
        file_failure(what, "See that there is room on the disk.", error)
    }
}

impl TensorFile {
    /// Writes bytes at an offset of a tensor. Each byte is to be written once.
    ///
    /// Errors: bytes outside the tensor; no room on the disk.
    pub fn put(&mut self, name: &str, offset_bytes: u64, bytes: &[u8]) -> Result<(), Failure> {
        let tensor = self.tensors.iter_mut().find(|it| it.entry.name == name);
        let end = offset_bytes.saturating_add(bytes.len() as u64);
        let Some(tensor) = tensor.filter(|it| end <= it.entry.size_bytes()) else {
            return Err(misfit(name));
        };
        tensor.n_written += bytes.len() as u64;
        let at = SeekFrom::Start(tensor.start + offset_bytes);
        let file = &mut self.draft.file;
        let written = file.seek(at).and_then(|_| file.write_all(bytes));
        written.map_err(|it| self.draft.error(&it))
    }

    /// Gives the file its name.
    ///
    /// Errors: numbers are missing; the disk.
    pub fn finish(self) -> Result<u64, Failure> {
        let missing = |it: &&Tensor| it.n_written != it.entry.size_bytes();
        if let Some(it) = self.tensors.iter().find(missing) {
            return Err(misfit(&it.entry.name));
        }
        self.draft.finish()
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        if !self.finished {
            // There is nobody left to tell.
            let _ = fs::remove_file(&self.path);
        }
    }
}

fn misfit(name: &str) -> Failure {
    failure(
        format!("The engine told another number of values than `{name}` has."),
        "Please report this.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entries() -> Vec<Entry> {
        let entry = |name: &str, dtype, shape| Entry {
            name: name.into(),
            dtype,
            shape,
        };
        vec![
            entry("ids", DType::I32, vec![3]),
            entry("a.b", DType::F32, vec![2, 1]),
        ]
    }

    #[test]
    fn a_file_appears_when_it_is_whole() {
        let folder =
            std::env::temp_dir().join(format!("gemscope-tensor-out-{}", std::process::id()));
        fs::create_dir_all(&folder).expect("a folder");
        let out = folder.join("x.safetensors");
        let mut file = Draft::new(&out)
            .and_then(|it| it.with_tensors(entries(), &json!({})))
            .expect("written");
        file.put("a.b", 4, &2f32.to_le_bytes()).expect("put");
        file.put("ids", 0, &[0; 12]).expect("put");
        assert!(file.put("a.b", 5, &[0; 4]).is_err() && file.put("c", 0, &[]).is_err());
        assert!(!out.exists());
        file.put("a.b", 0, &1f32.to_le_bytes()).expect("put");
        let size = file.finish().expect("whole");
        let bytes = fs::read(&out).expect("there");
        assert_eq!(bytes.len() as u64, size);
        let read = safetensors::SafeTensors::deserialize(&bytes).expect("safetensors");
        let tensor = read.tensor("a.b").expect("there");
        assert_eq!(
            (tensor.shape(), &tensor.data()[4..]),
            (&[2, 1][..], &2f32.to_le_bytes()[..])
        );
        let unfinished =
            Draft::new(&folder.join("y")).and_then(|it| it.with_tensors(entries(), &json!({})));
        assert!(unfinished.and_then(TensorFile::finish).is_err());
        assert_eq!(fs::read_dir(&folder).expect("a folder").count(), 1);
        fs::remove_dir_all(&folder).expect("removed");
    }

    #[test]
    fn a_place_that_can_not_be_written_is_named() {
        for path in ["/no/such/folder/x.safetensors", "/", ""] {
            let it = Draft::new(Path::new(path)).err().expect(path);
            assert!(it.what.contains(path), "{}", it.what);
        }
    }
}
