//! Tokens that expire or are revoked while their connection is open, and the limit of connections per user.

use jsonwebtoken::Algorithm;
use secrecy::ExposeSecret;

use super::{ALL, Dialect};
use crate::bad_input::{claims, sign};
use crate::raw_socket::{CLOSE, Incoming, RawSocket, frame};
use crate::support::{World, eventually, shared_redis};

/// How long a token is valid that is signed just before its handshake. The node adds a leeway of 5 seconds.
const HANDSHAKE_SECS: i64 = 2;

async fn assert_closed(raw: &mut RawSocket, code: u16) {
    match raw.next().await {
        Incoming::Close(Some(found), _) => assert_eq!(found, code),
        other => panic!("{other:?}"),
    }
    raw.shut_down().await;
    assert_eq!(raw.next().await, Incoming::End);
}

#[tokio::test]
async fn a_token_that_expires_ends_its_connections_only() {
    let world = World::start(1).await;
    world.user(0, "张三").await;
    let (base, secret) = (world.base(0), world.config.auth.jwt_secret.expose_secret());
    let mut claims = claims();
    let mut of_good = Dialect::Webchat.open(&base, &sign(&claims, Algorithm::HS256, secret)).await;
    let mut of_expiring = Vec::new();
    let mut expiring = String::new();
    for dialect in ALL {
        claims["exp"] = (jiff::Timestamp::now().as_second() + HANDSHAKE_SECS).into();
        expiring = sign(&claims, Algorithm::HS256, secret);
        of_expiring.push(dialect.open(&base, &expiring).await);
    }

    for raw in &mut of_expiring {
        assert_closed(raw, 1008).await;
    }
    of_good.send_text(r#"{"type":"ping"}"#).await;
    assert!(matches!(of_good.next().await, Incoming::Text(pong) if pong["type"] == "pong"));
    let again = RawSocket::connect(&base).await.open(&format!("/ws?token={expiring}"), "").await;
    assert_eq!(again.map(|_| ()).map_err(|(status, _)| status), Err(401));
    world.stop().await;
}

#[tokio::test]
async fn a_user_who_is_banned_loses_all_connections_on_all_nodes() {
    let world = World::start(2).await;
    let (zhang, li) = (world.user(0, "张三").await, world.user(0, "李四").await);
    let group = li.make_group(0, "项目", &[]).await;
    let (mut of_zhang, mut of_li) = (Vec::new(), Vec::new());
    for node in [0, 1] {
        for dialect in ALL {
            of_zhang.push(dialect.open(&world.base(node), &zhang.token).await);
            of_li.push((dialect, dialect.open(&world.base(node), &li.token).await));
        }
    }

    world.set_banned("张三", true).await;

    for raw in &mut of_zhang {
        assert_closed(raw, 1008).await;
    }
    let (dialect, first) = &mut of_li[0];
    first.send_text(&dialect.say(group, "你好").to_string()).await;
    for (dialect, raw) in &mut of_li {
        // With ?ext=1 it receives the presence of 张三 as well.
        loop {
            let Incoming::Text(frame) = raw.next().await else { panic!("{dialect:?} is closed") };
            if frame["type"] != "presence" {
                assert_eq!(dialect.content(&frame), Some("你好"), "{dialect:?}");
                break;
            }
        }
    }
    for node in [0, 1] {
        let path = format!("/ws?token={}", zhang.token);
        let again = RawSocket::connect(&world.base(node)).await.open(&path, "").await;
        assert_eq!(again.map(|_| ()).map_err(|(status, _)| status), Err(401));
    }
    world.stop().await;
}

#[tokio::test]
async fn a_user_has_so_many_connections_and_no_more() {
    let world = World::start_with(1, shared_redis(), |config| config.limits.sockets_per_user = 3).await;
    let (zhang, li) = (world.user(0, "张三").await, world.user(0, "李四").await);
    let base = world.base(0);
    let mut open = Vec::new();
    for dialect in [Dialect::Webchat, Dialect::Messenger, Dialect::Imtypes] {
        open.push(dialect.open(&base, &zhang.token).await);
    }
    let path = format!("/ws?token={}", zhang.token);
    let one_more = async || match RawSocket::connect(&base).await.open(&path, "").await {
        Ok(raw) => Ok(raw),
        Err((status, body)) => {
            assert_eq!((status, body["error"].is_string()), (429, true), "{body}");
            Err(())
        }
    };

    assert!(one_more().await.is_err());
    // Other users are not affected. A closed connection frees its place, with or without a close frame.
    Dialect::Webchat.open(&base, &li.token).await;
    for farewell in [true, false] {
        let mut leaving = open.remove(0);
        if farewell {
            leaving.send(&frame(CLOSE, b"")).await;
            assert_eq!(leaving.next().await, Incoming::Close(Some(1000), String::new()));
        }
        drop(leaving);
        eventually("a place is free", async || match one_more().await {
            Ok(raw) => {
                open.push(raw);
                true
            }
            Err(()) => false,
        })
        .await;
        assert!(one_more().await.is_err());
    }
    // A refused handshake takes no place.
    drop(open);
    eventually("all places are free", async || {
        let mut places = Vec::new();
        for _ in 0..3 {
            places.push(one_more().await);
        }
        places.iter().all(Result::is_ok)
    })
    .await;
    world.stop().await;
}
