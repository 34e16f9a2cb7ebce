//! A static server like the ones the site will meet: ranges, the site's headers, nothing else.

use crate::{
    dress::{self, HEADERS},
    headers::Rules,
    place,
};
use anyhow::{Context, Result};
use axum::{
    Router,
    extract::Request,
    http::header::CONTENT_SECURITY_POLICY,
    middleware::{self, Next},
    response::Response,
};
use gemscope::spec::HostTable;
use std::{fs, net::SocketAddr, path::PathBuf, sync::Arc};
use tokio::{net::TcpListener, runtime::Runtime, task::JoinHandle};
use tower_http::services::ServeDir;

/// A folder, and under which path it is served.
pub struct Mount {
    /// Begins with a slash.
    pub path: &'static str,
    /// The folder.
    pub folder: PathBuf,
}

/// What is served besides `dist/`.
#[derive(Default)]
pub struct Site {
    /// Folders.
    pub mounts: Vec<Mount>,
    /// Hosts that the site may ask instead of those that it was built for.
    pub hosts: Option<HostTable>,
}

/// A server that runs until it is dropped.
pub struct Server {
    /// Where it listens.
    pub address: SocketAddr,
    runtime: Runtime,
    task: JoinHandle<std::io::Result<()>>,
}

impl Server {
    /// Serves `dist/` and what the site has besides. Port 0 takes a free one.
    pub fn start(host: &str, port: u16, site: Site) -> Result<Self> {
        let runtime = Runtime::new()?;
        let listener = runtime
            .block_on(TcpListener::bind((host, port)))
            .with_context(|| format!("listening on {host}:{port}; --port takes another"))?;
        let address = listener.local_addr()?;
        let router = router(site)?;
        let task = runtime.spawn(async move { axum::serve(listener, router).await });
        Ok(Self {
            address,
            runtime,
            task,
        })
    }

    /// Serves until the program is interrupted.
    pub fn wait(self) -> Result<()> {
        self.runtime.block_on(async {
            tokio::select! {
                ended = self.task => Ok(ended??),
                signal = tokio::signal::ctrl_c() => Ok(signal?),
            }
        })
    }
}

fn router(site: Site) -> Result<Router> {
    let dist = place::dist();
    let folder = match &site.hosts {
        Some(table) => {
            let dressed = place::dressed();
            dress::dress(&place::bare(), &dist, table, &dressed)?;
            dressed
        }
        None => dist.clone(),
    };
    let path = folder.join(HEADERS);
    let text = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
    let rules = Arc::new(Rules::parse(&text)?);
    let files = ServeDir::new(folder).fallback(ServeDir::new(dist));
    let mut router = Router::new().fallback_service(files);
    for it in site.mounts {
        router = router.nest_service(it.path, ServeDir::new(it.folder));
    }
    Ok(
        router.layer(middleware::from_fn(move |request: Request, next: Next| {
            let rules = Arc::clone(&rules);
            async move {
                let path = request.uri().path().to_string();
                with_headers(&rules, &path, next.run(request).await)
            }
        })),
    )
}

/// Several policies bind together; of anything else the last rule's word stands.
fn with_headers(rules: &Rules, path: &str, mut response: Response) -> Response {
    let headers = response.headers_mut();
    for (name, value) in rules.of(path) {
        if *name == CONTENT_SECURITY_POLICY {
            headers.append(name, value.clone());
        } else {
            headers.insert(name, value.clone());
        }
    }
    response
}
