//! sha256 of bytes: the browser's own where it has one and the bytes are many, otherwise ours.

use crate::spec::Bytes;
#[cfg(not(target_arch = "wasm32"))]
use sha2::{Digest, Sha256};

/// The sha256 of bytes.
pub async fn sha256(bytes: &Bytes) -> [u8; 32] {
    sha256_of(std::slice::from_ref(bytes)).await
}

/// The sha256 of bytes that lie in parts, one after the other.
pub async fn sha256_of(parts: &[Bytes]) -> [u8; 32] {
    #[cfg(not(target_arch = "wasm32"))]
    return {
        let mut hasher = Sha256::new();
        for Bytes::Vec(it) in parts {
            hasher.update(it);
        }
        hasher.finalize().into()
    };
    #[cfg(target_arch = "wasm32")]
    return web::sha256_of(parts).await;
}

#[cfg(target_arch = "wasm32")]
mod web {
    use crate::spec::Bytes;
    use js_sys::{ArrayBuffer, Function, Promise, Reflect, Uint8Array};
    use sha2::{Digest, Sha256};
    use wasm_bindgen::{JsCast, JsValue};
    use wasm_bindgen_futures::JsFuture;

    /// Below this, asking the browser takes longer than hashing.
    const WORTH_ASKING_BYTES: usize = 64 << 10;
    /// What is copied into the wasm heap at a time where the browser does not hash.
    const COPIED_BYTES: u32 = 1 << 20;

    pub async fn sha256_of(parts: &[Bytes]) -> [u8; 32] {
        let n_bytes = parts.iter().map(Bytes::len).sum();
        let browsers = match n_bytes >= WORTH_ASKING_BYTES {
            true => digest(&joined(parts, n_bytes)).await,
            false => None,
        };
        browsers.unwrap_or_else(|| ours(parts))
    }

    /// The browser's hash; none where there is no `crypto.subtle`, as at an insecure address.
    async fn digest(bytes: &Uint8Array) -> Option<[u8; 32]> {
        let get = |of: &JsValue, key: &str| Reflect::get(of, &key.into()).ok();
        let subtle = get(&get(&js_sys::global(), "crypto")?, "subtle")?;
        let digest: Function = get(&subtle, "digest")?.dyn_into().ok()?;
        let promise = digest.call2(&subtle, &"SHA-256".into(), bytes).ok()?;
        let buffer = JsFuture::from(promise.dyn_into::<Promise>().ok()?)
            .await
            .ok()?;
        let buffer: ArrayBuffer = buffer.dyn_into().ok()?;
        Uint8Array::new(&buffer).to_vec().try_into().ok()
    }

    fn joined(parts: &[Bytes], n_bytes: usize) -> Uint8Array {
        if let [Bytes::Js(only)] = parts {
            return only.clone();
        }
        let out = Uint8Array::new_with_length(n_bytes as u32);
        let mut at = 0;
        for it in parts {
            match it {
                Bytes::Vec(it) => out.subarray(at, at + it.len() as u32).copy_from(it),
                Bytes::Js(it) => out.set(it, at),
            }
            at += it.len() as u32;
        }
        out
    }

    fn ours(parts: &[Bytes]) -> [u8; 32] {
        let mut hasher = Sha256::new();
        for it in parts {
            match it {
                Bytes::Vec(it) => hasher.update(it),
                Bytes::Js(it) => {
                    for at in (0..it.length()).step_by(COPIED_BYTES as usize) {
                        let end = it.length().min(at + COPIED_BYTES);
                        hasher.update(it.subarray(at, end).to_vec());
                    }
                }
            }
        }
        hasher.finalize().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::block_on;

    #[test]
    fn parts_hash_as_the_whole() {
        let abc = block_on(sha256(&b"abc".to_vec().into()));
        assert_eq!(abc[..4], [0xba, 0x78, 0x16, 0xbf]);
        let parts = ["a", "", "bc"].map(|it| Bytes::from(it.as_bytes().to_vec()));
        assert_eq!(block_on(sha256_of(&parts)), abc);
    }
}
