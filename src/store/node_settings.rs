//! The settings on which nodes must agree, recorded by each node when it starts.
//!
//! An entry counts while its node has a row. Entries of nodes that have not reported for an hour are removed in passing.

use redis::Pipeline;
use serde::{Deserialize, Serialize};

use super::Store;
use super::metrics::NodeRow;
use super::redis::reply::{self, is_absent, next};
use super::redis::scripts::{ANNOUNCE_SETTINGS, Arg, Call};
use crate::domain::{Error, Result};

/// Settings on which the nodes of one Redis must agree. Never the secrets themselves.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeSettings {
    /// Fingerprints of the keys that check tokens; the first one signs.
    pub keys: Vec<String>,
    /// The file store of uploads. `None` when it could not be identified.
    pub uploads: Option<FileStore>,
}

/// A file store of uploads.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileStore {
    /// Its address, as the node knows it.
    pub url: String,
    /// What identifies it, whatever its address on each machine.
    pub id: String,
}

/// Another node that recorded its settings.
#[derive(Clone, Debug)]
pub struct OtherNode {
    /// Its row. It lives while it renews this.
    pub row: NodeRow,
    /// Its settings.
    pub settings: NodeSettings,
}

impl Store {
    /// Records a node's settings and returns those of the nodes with a row that recorded theirs before. Of two nodes that
    /// start together, exactly one finds the other. Store the row of the node first.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn announce_settings(&self, node: &str, settings: &NodeSettings) -> Result<Vec<OtherNode>> {
        let text = serde_json::to_string(settings).map_err(Error::internal)?;
        let key = self.keys.node_settings();
        let call = Call { script: &ANNOUNCE_SETTINGS, keys: &[&key], args: &[Arg::Text(node), Arg::Text(&text)] };
        let (reply, _) = self.connection.run_script(&call, &[]).await?;
        let recorded: Vec<(String, String)> = reply::read(reply)?;

        let (others, forgotten) = self.with_rows(recorded).await?;
        if !forgotten.is_empty() {
            let mut pipeline = Pipeline::with_capacity(1);
            pipeline.cmd("HDEL").arg(&key).arg(&forgotten);
            self.connection.run(&pipeline).await?;
        }
        Ok(others)
    }

    /// The settings of the nodes with a row.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn settings_of_nodes(&self) -> Result<Vec<OtherNode>> {
        let mut pipeline = Pipeline::with_capacity(1);
        pipeline.cmd("HGETALL").arg(self.keys.node_settings());
        let reply = next(&mut self.connection.run(&pipeline).await?.into_iter())?;
        Ok(self.with_rows(reply::read(reply)?).await?.0)
    }

    /// Recorded settings with the rows of their nodes, and the nodes that have not reported for long.
    async fn with_rows(&self, recorded: Vec<(String, String)>) -> Result<(Vec<OtherNode>, Vec<String>)> {
        let mut pipeline = Pipeline::with_capacity(2 * recorded.len());
        for (id, _) in &recorded {
            pipeline.cmd("GET").arg(self.keys.node(id));
            pipeline.cmd("ZSCORE").arg(self.keys.nodes()).arg(id);
        }
        let mut replies = self.connection.run(&pipeline).await?.into_iter();
        let (mut others, mut forgotten) = (Vec::new(), Vec::new());
        for (id, text) in recorded {
            let (row, has_reported) = (NodeRow::read(next(&mut replies)?)?, !is_absent(&next(&mut replies)?));
            // Newer nodes may record what this version cannot read.
            match (row, serde_json::from_str(&text)) {
                (Some(row), Ok(settings)) => others.push(OtherNode { row, settings }),
                (None, _) if !has_reported => forgotten.push(id),
                (Some(_) | None, Ok(_) | Err(_)) => {}
            }
        }
        Ok((others, forgotten))
    }

    /// The row of a node; `None` when its lease has ended.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn node_row(&self, node: &str) -> Result<Option<NodeRow>> {
        let mut pipeline = Pipeline::with_capacity(1);
        pipeline.cmd("GET").arg(self.keys.node(node));
        NodeRow::read(next(&mut self.connection.run(&pipeline).await?.into_iter())?)
    }
}
