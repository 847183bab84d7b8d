//! Passwords: however a keyboard composes their letters, and none that is easy to guess.

use redis::cmd;
use serde_json::{Value, json};

use crate::support::{Redis, World, answered};

async fn post(world: &World, path: &str, body: Value) -> (u16, Value) {
    answered(world.client.post(world.url(0, path)).json(&body).send().await).await
}

#[tokio::test]
async fn a_password_is_the_same_however_it_is_composed() {
    let world = World::start(1).await;
    let forms = [
        "cr\u{e8}me br\u{fb}l\u{e9}e",
        "cre\u{300}me bru\u{302}le\u{301}e",
        "cr\u{e8}me\u{3000}bru\u{302}l\u{e9}e",
        "crème\u{a0}brûlée",
    ];
    for (number, chosen) in forms.iter().enumerate() {
        let (name, email) = (format!("user{number}"), format!("user{number}@example.com"));
        let body = json!({"username": name, "email": email, "password": chosen});
        assert_eq!(post(&world, "/api/v1/register", body).await.0, 200);
        for typed in forms {
            world.log_in(0, &name, typed).await;
            assert_eq!(post(&world, "/api/v1/login", json!({"email": email, "password": typed})).await.0, 200);
        }
        for wrong in ["creme brulee", "CRÈME BRÛLÉE", "crèmebrûlée", "crème brûlée "] {
            let body = json!({"username": name, "password": wrong});
            assert_eq!(post(&world, "/api/v1/auth/login", body).await.0, 401, "{wrong}");
        }
    }
    world.stop().await;
}

#[tokio::test]
async fn limits_count_the_composed_password() {
    let world = World::start(1).await;
    for (password, status) in [("e\u{301}".repeat(24), 201), ("e\u{301}".repeat(36), 400), ("e\u{301}".repeat(5), 400)]
    {
        let body = json!({"username": format!("user{}", password.len()), "password": password});
        assert_eq!(post(&world, "/api/v1/auth/register", body).await.0, status, "{}", password.len());
    }
    world.log_in(0, "user72", &"é".repeat(24)).await;
    world.stop().await;
}

#[tokio::test]
async fn passwords_that_are_guessed_first_are_refused() {
    let world = World::start(1).await;
    let weak = [
        "password",
        "Password1",
        "123456",
        "QWERTY",
        "１２３４５６７８",
        "iloveyou",
        "woaini1314",
        "zebedee",
        "Zebedee123",
        "eedebez!",
    ];
    for password in weak {
        let body = json!({"username": "Zebedee", "password": password});
        let (status, answer) = post(&world, "/api/v1/auth/register", body.clone()).await;
        assert_eq!((status, answer), (400, json!({"error": "Password is too easy to guess"})), "{password}");
        let (_, answer) = post(&world, "/api/v1/auth/register?ext=1", body).await;
        assert_eq!(answer["code"], "weak_password", "{password}");
        let body = json!({"username": "Zebedee", "email": "z@example.com", "password": password});
        let (status, answer) = post(&world, "/api/v1/register", body).await;
        let refusal = json!({"code": 400, "message": "请求参数错误", "error": "密码过于简单，容易被猜到"});
        assert_eq!((status, answer), (400, refusal), "{password}");
    }
    // The documents' examples are answered as documented.
    for (name, password) in [("newuser", "your_strong_password"), ("Zebedee", "string")] {
        assert_eq!(post(&world, "/api/v1/auth/register", json!({"username": name, "password": password})).await.0, 201);
        world.set_password(name, "sunshine").await.expect_err("refused");
        world.log_in(0, name, password).await;
    }
    world.stop().await;
}

#[tokio::test]
async fn a_password_of_before_normalisation_still_logs_in() {
    let redis = Redis::start(&[]);
    let world = World::start_with(1, &redis.url(), |_| {}).await;
    world.user(0, "alice").await;
    let log_in = async |password: &str| {
        let body = json!({"username": "alice", "password": password});
        answered(world.client.post(world.url(0, "/api/v1/auth/login")).json(&body).send().await).await.0
    };
    for (hashed, right, wrong) in [
        ("cafe\u{301} noir", "cafe\u{301} noir", "cafe noir"),
        ("caf\u{e9} noir", "cafe\u{301}\u{3000}noir", "Caf\u{e9} noir"),
        ("a\u{3000}b\u{a0}cdef", "a\u{3000}b\u{a0}cdef", "a bcdef"),
        (&"\u{958}".repeat(20), &"\u{958}".repeat(20), &"\u{958}".repeat(19)),
    ] {
        let hash = bcrypt::hash(hashed, 4).expect("hashed");
        let account = format!("{}{{u:1}}", world.config.redis.prefix);
        cmd("HSET").arg(account).arg("hash").arg(hash).exec(&mut redis.connection()).expect("set");
        assert_eq!((log_in(right).await, log_in(wrong).await), (200, 401), "{hashed}");
    }
    world.stop().await;
}
