//! The network and the store, taken when a command first needs them: before that nothing is requested and no storage is touched.

use super::trouble::Trouble;
use crate::{
    hub::{HubConfig, HubError, Net},
    spec::HostTable,
    store::{Disk, Store, StoreConfig},
    weights::library::Library,
};
use std::{
    cell::{Cell, RefCell},
    fmt,
    path::PathBuf,
    rc::Rc,
    sync::Arc,
};

/// Where models are kept and how they are fetched.
#[derive(Clone, Debug, Default)]
pub struct LibraryOptions {
    /// The folder in which a folder `gemscope` is the store, natively; none for `GEMSCOPE_STORE`, or the cache folder of the user. In a
    /// browser it is a name in the origin's own storage; none for that storage itself.
    pub folder: Option<PathBuf>,
    /// The hosts that may be asked; in a browser no others are.
    pub hosts: HostTable,
    /// In a browser, the address of the site whose `hosts.json` takes the place of `hosts`; it is read before the first request to
    /// another host, and not before.
    pub site: Option<String>,
    /// Sizes and times of fetching.
    pub hub: HubConfig,
    /// For tests: another network and another disk.
    pub instead: Instead,
}

/// What tests put in the place of the machine's own; it is made on the engine's thread.
#[derive(Clone, Default)]
pub struct Instead {
    /// The network.
    pub net: Option<Arc<MakeNet>>,
    /// Where things are kept.
    pub disk: Option<Arc<MakeDisk>>,
}

/// Makes a network.
pub type MakeNet = dyn Fn() -> Rc<Net> + Send + Sync;
/// Makes a disk.
pub type MakeDisk = dyn Fn() -> Rc<dyn Disk> + Send + Sync;

/// Has the library opened, or opens it.
pub(super) struct Librarian {
    options: LibraryOptions,
    net: RefCell<Option<Rc<Net>>>,
    knows_hosts: Cell<bool>,
    library: RefCell<Option<Library>>,
    notes: RefCell<Option<Library>>,
}

/// The folder beside the store that holds what the visitor wrote: taking models away never takes it.
const NOTES: &str = "gemscope-notes";

impl Librarian {
    /// Nothing is opened yet.
    pub fn new(options: LibraryOptions) -> Self {
        Self {
            options,
            net: RefCell::default(),
            knows_hosts: Cell::default(),
            library: RefCell::default(),
            notes: RefCell::default(),
        }
    }

    /// The network, for who will make requests: the hosts of the site are known to it.
    ///
    /// Errors: as [`Librarian::net`]; a site whose hosts can't be read.
    pub async fn reach(&self) -> Result<Rc<Net>, HubError> {
        let net = self.net()?;
        #[cfg(target_arch = "wasm32")]
        if let Some(site) = self
            .options
            .site
            .as_ref()
            .filter(|_| !self.knows_hosts.get())
            && let Some(it) = crate::hub::site_hosts(site).await?
        {
            net.set_hosts(it);
        }
        self.knows_hosts.set(true);
        Ok(net)
    }

    /// The network.
    ///
    /// Errors: [`HubError::NoNetwork`].
    fn net(&self) -> Result<Rc<Net>, HubError> {
        let mut net = self.net.borrow_mut();
        if let Some(it) = &*net {
            return Ok(it.clone());
        }
        let options = &self.options;
        let made = match &options.instead.net {
            Some(make) => make(),
            None => Net::system(options.hub.clone(), options.hosts.clone())?,
        };
        Ok(net.insert(made).clone())
    }

    /// The library. What failed is tried again by the next command.
    ///
    /// Errors: no place to keep things, and why; those of the disk; no network.
    pub async fn library(&self) -> Result<Library, Trouble> {
        if let Some(it) = &*self.library.borrow() {
            return Ok(it.clone());
        }
        let opened = self.opened(self.any_disk().await?).await?;
        // Two commands may have opened it at once; the first is everybody's.
        Ok(self.library.borrow_mut().get_or_insert(opened).clone())
    }

    /// Where what the visitor wrote is kept, and what was asked of others for it.
    ///
    /// Errors: as [`Librarian::library`].
    pub async fn notes(&self) -> Result<Library, Trouble> {
        if let Some(it) = &*self.notes.borrow() {
            return Ok(it.clone());
        }
        let folder = self.any_disk().await?.folder(NOTES).await?;
        let opened = self.opened(folder).await?;
        Ok(self.notes.borrow_mut().get_or_insert(opened).clone())
    }

    async fn opened(&self, disk: Rc<dyn Disk>) -> Result<Library, Trouble> {
        let net = self.net()?;
        let config = StoreConfig {
            journal_every_bytes: net.config().journal_bytes,
        };
        Ok(Library::new(Store::open(disk, config).await?, net))
    }

    async fn any_disk(&self) -> Result<Rc<dyn Disk>, Trouble> {
        match &self.options.instead.disk {
            Some(make) => Ok(make()),
            None => self.disk().await,
        }
    }

    #[cfg(not(target_arch = "wasm32"))]
    async fn disk(&self) -> Result<Rc<dyn Disk>, Trouble> {
        let named = self.options.folder.clone();
        let folder =
            named.or_else(|| user_folder(&|name| std::env::var_os(name).map(PathBuf::from)));
        let folder = folder.ok_or(Trouble::NoCacheFolder)?;
        Ok(Rc::new(crate::store::FolderDisk::new(folder)))
    }

    #[cfg(target_arch = "wasm32")]
    async fn disk(&self) -> Result<Rc<dyn Disk>, Trouble> {
        let disk = crate::store::OpfsDisk::open().await?;
        match &self.options.folder {
            Some(it) => Ok(disk.folder(&it.to_string_lossy()).await?),
            None => Ok(Rc::new(disk)),
        }
    }
}

impl fmt::Debug for Instead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Instead")
            .field("net", &self.net.is_some())
            .field("disk", &self.disk.is_some())
            .finish()
    }
}

/// Where a user's programs keep what they can get again; the store is a folder `gemscope` in it.
#[cfg(not(target_arch = "wasm32"))]
fn user_folder(variable: &dyn Fn(&str) -> Option<PathBuf>) -> Option<PathBuf> {
    let set = |name: &str| variable(name).filter(|it| !it.as_os_str().is_empty());
    if let Some(it) = set("GEMSCOPE_STORE") {
        return Some(it);
    }
    if cfg!(windows) {
        set("LOCALAPPDATA")
    } else if cfg!(target_os = "macos") {
        set("HOME").map(|it| it.join("Library/Caches"))
    } else {
        // A relative path there is to be passed over. Source: XDG Base Directory Specification.
        let named = set("XDG_CACHE_HOME").filter(|it| it.is_absolute());
        named.or_else(|| set("HOME").map(|it| it.join(".cache")))
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    fn folder(set: &[(&str, &str)]) -> Option<PathBuf> {
        let find = |name: &str| set.iter().find(|it| it.0 == name).map(|it| it.1.into());
        user_folder(&find)
    }

    #[test]
    fn the_cache_folder_is_where_the_system_wants_it() {
        let home = ("HOME", "/h");
        let cases = [
            (vec![home], Some("/h/.cache")),
            (vec![home, ("XDG_CACHE_HOME", "/c")], Some("/c")),
            (vec![home, ("XDG_CACHE_HOME", "c")], Some("/h/.cache")),
            (vec![home, ("XDG_CACHE_HOME", "")], Some("/h/.cache")),
            (vec![home, ("GEMSCOPE_STORE", "/s")], Some("/s")),
            (vec![], None),
        ];
        for (set, expected) in cases {
            assert_eq!(folder(&set), expected.map(PathBuf::from), "{set:?}");
        }
    }

    #[test]
    fn nothing_is_opened_before_it_is_needed() {
        let folder = std::env::temp_dir().join(format!("gemscope-lazy-{}", std::process::id()));
        let librarian = Librarian::new(LibraryOptions {
            folder: Some(folder.clone()),
            ..LibraryOptions::default()
        });
        assert!(librarian.net.borrow().is_none() && !folder.exists());
        assert!(librarian.net().is_ok() && librarian.library.borrow().is_none());
        assert!(!folder.exists());
    }
}
