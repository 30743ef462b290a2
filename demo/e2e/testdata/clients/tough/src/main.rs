// SPDX-License-Identifier: Apache-2.0

//! usage: landed-tough DIR URL TARGET...
//!
//! DIR/root.json is the root that this client was given; what it trusts since lies in DIR/datastore. Updates from the feed of the
//! server URL, downloads the targets, and prints for each {"path", "file", "custom"}: where its bytes lie, as tough verified them,
//! and what is signed with them.

use std::io::{Error, ErrorKind, Read, Write};
use std::{env, fs, net::TcpStream, path::Path, pin::Pin};

use tough::{async_trait, Bytes, IntoVec, RepositoryLoader, TargetName, Transport, TransportError, TransportErrorKind};
use url::Url;

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;
type Body = Pin<Box<dyn futures::Stream<Item = Result<Bytes, TransportError>> + Send + Sync>>;

/// HTTP/1.0 without TLS, as a feed on this machine needs no more: tough's own transport brings a whole TLS library along.
#[derive(Debug, Clone)]
struct Plain;

fn get(url: &Url) -> Result<Vec<u8>, Error> {
    let host = format!("{}:{}", url.host_str().unwrap_or(""), url.port().unwrap_or(80));
    let mut stream = TcpStream::connect(&host)?;
    write!(stream, "GET {} HTTP/1.0\r\nHost: {}\r\n\r\n", url.path(), host)?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    let head = answer.windows(4).position(|w| w == b"\r\n\r\n").ok_or(ErrorKind::UnexpectedEof)?;
    let status = String::from_utf8_lossy(&answer[..head]).split(' ').nth(1).unwrap_or("").to_owned();
    match status.as_str() {
        "200" => Ok(answer.split_off(head + 4)),
        "404" => Err(ErrorKind::NotFound.into()),
        _ => Err(Error::other(format!("the server answers {status}"))),
    }
}

#[async_trait]
impl Transport for Plain {
    async fn fetch(&self, url: Url) -> Result<Body, TransportError> {
        match get(&url) {
            Ok(body) => Ok(Box::pin(futures::stream::iter([Ok(Bytes::from(body))]))),
            Err(e) if e.kind() == ErrorKind::NotFound => Err(TransportError::new(TransportErrorKind::FileNotFound, url)),
            Err(e) => Err(TransportError::new_with_cause(TransportErrorKind::Other, url, e)),
        }
    }
}

async fn update(dir: &Path, url: &str, targets: &[String]) -> Outcome<()> {
    let (datastore, files) = (dir.join("datastore"), dir.join("targets"));
    fs::create_dir_all(&datastore)?;
    fs::create_dir_all(&files)?;
    // tough keeps the newest root and leaves it to the program to begin with that.
    let root = fs::read(datastore.join("root.json")).or_else(|_| fs::read(dir.join("root.json")))?;
    let (metadata, base) = (Url::parse(&format!("{url}/tuf/metadata/"))?, Url::parse(&format!("{url}/tuf/targets/"))?);
    let repository = RepositoryLoader::new(&root, metadata, base).transport(Plain).datastore(datastore).load().await?;
    for path in targets {
        let name = TargetName::new(path)?;
        let stream = repository.read_target(&name).await?.ok_or(format!("no role lists {path}"))?;
        let file = files.join(path.replace('/', "%2F"));
        fs::write(&file, stream.into_vec().await?)?;
        let custom = &repository.targets().signed.find_target(&name, false)?.custom;
        println!("{}", serde_json::json!({"path": path, "file": file, "custom": custom}));
    }
    Ok(())
}

fn main() -> Outcome<()> {
    let args: Vec<String> = env::args().skip(1).collect();
    let [dir, url, targets @ ..] = args.as_slice() else { return Err("usage: landed-tough DIR URL TARGET...".into()) };
    tokio::runtime::Builder::new_current_thread().build()?.block_on(update(Path::new(dir), url, targets))
}
