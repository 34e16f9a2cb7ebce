//! A static server like the ones the site will meet: ranges, the site's headers, nothing else.

use crate::{build, headers, hosts, place};
use anyhow::{Context, Result};
use axum::{
    Router,
    extract::Request,
    http::{HeaderName, HeaderValue},
    middleware::{self, Next},
    response::Response,
};
use gemscope::spec::HostTable;
use std::{fs, net::SocketAddr, path::PathBuf, sync::Arc};
use tokio::{net::TcpListener, runtime::Runtime, task::JoinHandle};
use tower_http::services::{ServeDir, ServeFile};

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
    let folder = match site.hosts {
        Some(_) => place::root().join("www"),
        None => place::dist(),
    };
    let path = folder.join(build::HEADERS);
    let mut text = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
    let mut router = Router::new().fallback_service(ServeDir::new(place::dist()));
    if let Some(table) = &site.hosts {
        text = hosts::into_policy(&text, table)?;
        // As a file, since the engine reads by ranges.
        let path = place::target().join(format!("served.{}", hosts::FILE));
        fs::write(&path, hosts::json(table)?)?;
        router = router.route_service(&format!("/{}", hosts::FILE), ServeFile::new(path));
    }
    let headers = Arc::new(headers::parse(&text)?);
    for it in site.mounts {
        router = router.nest_service(it.path, ServeDir::new(it.folder));
    }
    Ok(
        router.layer(middleware::from_fn(move |request: Request, next: Next| {
            let headers = Arc::clone(&headers);
            async move { with_headers(&headers, next.run(request).await) }
        })),
    )
}

fn with_headers(headers: &[(HeaderName, HeaderValue)], mut response: Response) -> Response {
    for (name, value) in headers {
        response.headers_mut().insert(name, value.clone());
    }
    response
}
