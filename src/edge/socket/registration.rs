//! Registers a connection with its worker's hub, until its session is dropped.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use actix_web::web;
use futures_util::future::join;
use tokio::net::TcpStream;
use tracing::debug;

use super::admission::{Admitted, about_to_stop};
use super::codec::Viewer;
use super::liveness::Peer;
use super::session::{Session, resume};
use crate::domain::{Caller, Result};
use crate::edge::context::Context;
use crate::fanout::{Encoder, FrameKey, NewConnection};

/// Grace period before a user is announced as offline.
const OFFLINE_GRACE: Duration = Duration::from_secs(5);

impl Session {
    /// Registers a connection and subscribes it to its user's rooms. From the return on, every event of these rooms
    /// reaches it.
    ///
    /// # Errors
    /// `Unavailable`.
    pub(super) async fn register(
        admitted: Admitted,
        base_url: &str,
        stream: Rc<TcpStream>,
        context: web::Data<Context>,
    ) -> Result<Self> {
        let resumed = (admitted.codec.resumes)(&admitted.query);
        let Admitted { codec, is_extended, client, grant, permit, .. } = admitted;
        let (caller, is_first) = (context.services.accounts.caller(&grant), permit.is_first);
        let key = FrameKey { dialect: codec.name, is_extended };
        let encoder = Encoder { key, encode: codec.encode, encode_own: codec.encode_own };
        let peer = Peer::new(grant, client, Rc::clone(&context.liveness));
        let base_url = context.hub.shared_url(base_url);
        let (id, closed) = context.hub.register(NewConnection {
            user: caller.id,
            encoder,
            reader_url: Rc::clone(&base_url),
            stream,
            peer: Rc::clone(&peer) as _,
        });
        let viewer = Viewer { user: caller.id, is_extended, base_url };
        let (page, focused) = (Cell::default(), Cell::default());
        let session = Self { context, id, closed, codec, viewer, peer, permit: Some(permit), page, focused };

        let context = &session.context;
        let subscribing = async {
            let entries = context.hub.subscribe_all(id, caller.id).await?;
            if is_extended {
                // Before the next await: events of the rooms must come behind what was missed.
                resume(&context.hub, id, codec, &session.viewer, &resumed);
            }
            Ok(entries)
        };
        // Activity is recorded meanwhile: its commands are sent with those that read the list of rooms.
        let (entries, ()) = join(subscribing, session.peer.record_activity()).await;
        let entries = entries?;
        if is_first {
            let announced = context.services.presence.announce(&caller.user_ref(), true, &entries).await;
            note_announced(announced, &caller);
        }
        context.hub.show_presence(id);
        // The sockets of this worker may have been closed meanwhile, and nothing would close this one. No await from here
        // to the response.
        if context.stopping.closes_sockets() {
            return Err(about_to_stop());
        }
        Ok(session)
    }
}

/// Removes the connection from the hub and announces its user as offline, unless another connection of the user remains or
/// comes soon.
impl Drop for Session {
    fn drop(&mut self) {
        self.context.hub.remove(self.id);
        drop(self.permit.take());
        let caller = self.context.services.accounts.caller(&self.peer.grant);
        if self.context.socket_counts.of_user(caller.id) > 0 || self.context.is_draining() {
            return;
        }
        let context = self.context.clone();
        actix_web::rt::spawn(async move {
            tokio::time::sleep(OFFLINE_GRACE).await;
            if context.socket_counts.of_user(caller.id) == 0 {
                let announced = context.services.presence.announce_in_rooms(&caller.user_ref(), false).await;
                note_announced(announced, &caller);
            }
        });
    }
}

/// Logs that presence could not be announced. The node's next renewal announces it, or its absence does.
fn note_announced(outcome: Result<()>, caller: &Caller) {
    if let Err(error) = outcome {
        debug!(user.id = %caller.id, %error, "could not announce presence");
    }
}
