//! A proxy that treats requests in one way or another.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// What a proxy does to the head of a request.
#[derive(Clone, Copy, Debug)]
pub enum Way {
    /// Appends the client's address.
    Appends,
    /// Sends the client's address alone.
    Replaces,
    /// Changes nothing, so that clients may send any address.
    PassesOn,
    /// Sends no address.
    Drops,
    /// Appends, and takes the headers of handshakes away.
    EndsUpgrades,
    /// Appends, and refuses long bodies.
    LimitsBodies,
    /// Sends no request on.
    AnswersItself,
}

/// A proxy, which ends with this.
pub struct Proxy {
    address: SocketAddr,
    task: JoinHandle<()>,
}

impl Proxy {
    /// Starts one in front of a node.
    pub async fn start(node: SocketAddr, way: Way) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let task = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(serve(client, node, way));
            }
        });
        Self { address, task }
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Serves one request of a connection. Clients that are gone are no matter.
async fn serve(mut client: TcpStream, node: SocketAddr, way: Way) {
    let mut start = Vec::new();
    let head_len = loop {
        let found = start.windows(4).position(|window| window == b"\r\n\r\n");
        if let Some(end) = found {
            break end + 2;
        }
        match client.read_buf(&mut start).await {
            Ok(0) | Err(_) => return,
            Ok(_) => {}
        }
    };
    let head = String::from_utf8(start[..head_len].to_vec()).expect("text");
    let answer = match way {
        Way::AnswersItself => Some("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"),
        Way::LimitsBodies if head.starts_with("POST") => {
            Some("HTTP/1.1 413 Content Too Large\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        }
        _ => None,
    };
    if let Some(answer) = answer {
        client.write_all(answer.as_bytes()).await.expect("written");
        return;
    }
    let mut upstream = TcpStream::connect(node).await.expect("the node listens");
    upstream.write_all(changed(&head, way).as_bytes()).await.expect("written");
    if upstream.write_all(&start[head_len..]).await.is_ok() {
        drop(copy_bidirectional(&mut client, &mut upstream).await);
    }
}

/// The head of a request as the proxy sends it on.
fn changed(head: &str, way: Way) -> String {
    let of_handshake = |line: &str| line.starts_with("Upgrade:") || line.starts_with("Connection:");
    let mut lines: Vec<String> = head.lines().map(str::to_owned).collect();
    let sent = lines.iter().position(|line| line.starts_with("X-Forwarded-For:")).map(|index| lines.remove(index));
    let value = sent.as_deref().and_then(|line| line.split_once(": ")).map(|(_, value)| value);
    let forwarded = match (way, value) {
        (Way::PassesOn, value) => value.map(str::to_owned),
        (Way::Drops, _) => None,
        (Way::Replaces, _) | (_, None) => Some("198.51.100.7".to_owned()),
        (_, Some(value)) => Some(format!("{value}, 198.51.100.7")),
    };
    lines.retain(|line| !(matches!(way, Way::EndsUpgrades) && of_handshake(line)));
    lines.extend(forwarded.map(|forwarded| format!("X-Forwarded-For: {forwarded}")));
    lines.join("\r\n") + "\r\n"
}
